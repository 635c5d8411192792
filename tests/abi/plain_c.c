/* SPDX-License-Identifier: Apache-2.0
 * plain_c.c - a keeper in plain C, without the facade: holds descriptors in this process. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <segue/abi/keeper.h>

#ifndef ENTRY_REVISION
#define ENTRY_REVISION SEGUE_ENTRY_REVISION
#endif

#define ROOM 16u

typedef struct kept {
    uint32_t n;
    segue_item items[ROOM];
    char names[ROOM][64];
} kept;

static segue_status create(const segue_config* config, const segue_host* host, void** self,
                           segue_error* e) {
    (void)config;
    (void)host;
    (void)e;
    *self = calloc(1, sizeof(kept));
    return *self != NULL ? SEGUE_OK : SEGUE_INTERNAL;
}

static void drop(void* self) {
    kept* k = self;
    for (uint32_t i = 0; i < k->n; ++i)
        close(k->items[i].fd);
    k->n = 0;
}

static void destroy(void* self) {
    drop(self);
    free(self);
}

static segue_status check(void* self, const segue_item* items, uint32_t n, segue_error* e) {
    (void)self;
    (void)items;
    if (n <= ROOM)
        return SEGUE_OK;
    if (e != NULL)
        snprintf(e->what, sizeof e->what, "%u descriptors, and room for %u", n, ROOM);
    return SEGUE_REFUSED;
}

static segue_status hold(void* self, const segue_item* items, uint32_t n, segue_error* e) {
    kept* k = self;
    const segue_status s = check(self, items, n, e);
    if (s != SEGUE_OK)
        return s;
    for (k->n = 0; k->n < n; ++k->n) {
        segue_item* to = &k->items[k->n];
        snprintf(k->names[k->n], sizeof k->names[0], "%s", items[k->n].name);
        to->name = k->names[k->n];
        to->fd = fcntl(items[k->n].fd, F_DUPFD_CLOEXEC, 3);
        if (to->fd < 0) {
            drop(self);
            return SEGUE_IO;
        }
    }
    return SEGUE_OK;
}

static segue_status take(void* self, segue_item* items, uint32_t cap, uint32_t* n, segue_error* e) {
    kept* k = self;
    (void)e;
    if (cap < k->n)
        return SEGUE_INVALID;
    memcpy(items, k->items, k->n * sizeof *items);
    *n = k->n;
    k->n = 0;
    return SEGUE_OK;
}

static const segue_keeper table = {SEGUE_KEEPER_EXEC, create, destroy, check, hold, take, drop};

static const char* const needs[] = {NULL};
static const char* const caps[] = {"exec", NULL};
static const segue_info info = {.size = sizeof info,
                                .kind = SEGUE_KEEPER_ID,
                                .id = SEGUE_PLUGIN_ID,
                                .version = SEGUE_PLUGIN_VERSION,
                                .licence = "Apache-2.0",
                                .summary = "a keeper \"in plain C\"",
                                .needs = needs,
                                .caps = caps};

static segue_status open_plugin(const segue_host* host, segue_error* e) {
    (void)host;
    (void)e;
    return SEGUE_OK;
}

static void close_plugin(void) {}

static const void* find(const char* kind_id) {
    return strcmp(kind_id, SEGUE_KEEPER_ID) == 0 ? &table : NULL;
}

__attribute__((visibility("default"))) extern const segue_plugin segue_plugin_entry;
const segue_plugin segue_plugin_entry = {sizeof(segue_plugin), ENTRY_REVISION, &info,
                                         open_plugin,          close_plugin,   find};

/* SPDX-License-Identifier: Apache-2.0
 * plugin.c - a memory back-end in plain C (C11), without the C++ facade: sealed shared memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segue/abi/memory.h>

#define CAPS (SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* What was tried, on what, and why it failed. `e` may be NULL. */
static segue_status fail(segue_error* e, segue_status code, int number, const char* what,
                         const char* name) {
    if (e != NULL) {
        e->code = code;
        e->sys_errno = number;
        snprintf(e->what, sizeof e->what, "%s %s%s%s", what, name, number != 0 ? ": " : "",
                 number != 0 ? strerror(number) : "");
        e->way_out[0] = 0;
    }
    return code;
}

static void describe(segue_block* b, int fd, uint64_t offset, uint64_t bytes) {
    b->page_shift = 12;
    b->fd = fd;
    b->map_flags = MAP_SHARED;
    b->offset = offset;
    b->bytes = bytes;
    b->stamp = SEGUE_NO_STAMP;
    b->survives = CAPS;
}

/* There is nothing to remember: every instance is the same. */
static segue_status create(const segue_config* config, const segue_host* host, void** self,
                           segue_error* e) {
    static const char none = 0;
    (void)config;
    (void)host;
    (void)e;
    *self = (void*)&none;
    return SEGUE_OK;
}

static void destroy(void* self) {
    (void)self;
}

static segue_status make(void* self, const char* name, uint64_t bytes, segue_block* b,
                         segue_error* e) {
    const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    (void)self;
    if (fd < 0)
        return fail(e, SEGUE_IO, errno, "memfd_create", name);
    if (ftruncate(fd, (off_t)bytes) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
        const int number = errno;
        close(fd);
        return fail(e, SEGUE_IO, number, "size and seal", name);
    }
    describe(b, fd, 0, bytes);
    return SEGUE_OK;
}

static segue_status adopt(void* self, const char* name, int32_t fd, uint64_t offset, uint64_t bytes,
                          segue_block* b, segue_error* e) {
    const int seals = fcntl(fd, F_GET_SEALS); /* EINVAL: not of memfd_create */
    struct stat s;
    (void)self;
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &s) != 0)
        return fail(e, SEGUE_REFUSED, 0, "adopt: no sealed memory is", name);
    if (offset > (uint64_t)s.st_size || bytes > (uint64_t)s.st_size - offset)
        return fail(e, SEGUE_REFUSED, 0, "adopt: too few bytes has", name);
    describe(b, fd, offset, bytes); /* the descriptor is the host's again, in the block */
    return SEGUE_OK;
}

/* check, reopen and drop: NULL, for there is nothing to do. */
static const segue_memory table = {CAPS, create, destroy, NULL, make, NULL, adopt, NULL};

static const char* const needs[] = {NULL};
static const char* const caps[] = {"exec", "transfer", NULL};
static const segue_info info = {.size = sizeof info,
                                .kind = SEGUE_MEMORY_ID,
                                .id = SEGUE_PLUGIN_ID,
                                .version = SEGUE_PLUGIN_VERSION,
                                .licence = "Apache-2.0",
                                .summary = "sealed shared memory, in plain C",
                                .needs = needs,
                                .caps = caps};

static segue_status open_plugin(const segue_host* host, segue_error* e) {
    (void)host;
    (void)e;
    return SEGUE_OK;
}

static void close_plugin(void) {}

static const void* find(const char* kind_id) {
    return strcmp(kind_id, SEGUE_MEMORY_ID) == 0 ? &table : NULL;
}

__attribute__((visibility("default"))) extern const segue_plugin segue_plugin_entry;
const segue_plugin segue_plugin_entry = {sizeof(segue_plugin), SEGUE_ENTRY_REVISION, &info,
                                         open_plugin,          close_plugin,         find};

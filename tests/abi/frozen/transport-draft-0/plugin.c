/* SPDX-License-Identifier: Apache-2.0
 * plugin.c - a transport as it was built against the headers beside it, which nobody changes any
 * more: a draft before today's. Every host must refuse it by name, and none may call its table. */
#include <stdlib.h>
#include <string.h>

#include <segue/abi/transport.h>

static const segue_transport table; /* whoever calls it dies of it */

static const char* const none[] = {NULL};
static const segue_info info = {.size = sizeof info,
                                .kind = SEGUE_TRANSPORT_ID,
                                .id = SEGUE_PLUGIN_ID,
                                .version = "0.0.9",
                                .licence = "Apache-2.0",
                                .summary = "of an older draft",
                                .needs = none,
                                .caps = none};

static segue_status open_plugin(const segue_host* host, segue_error* e) {
    (void)host;
    (void)e;
    abort(); /* it must not come to this */
}

static void close_plugin(void) {}

static const void* find(const char* kind_id) {
    return strcmp(kind_id, SEGUE_TRANSPORT_ID) == 0 ? &table : NULL;
}

__attribute__((visibility("default"))) extern const segue_plugin segue_plugin_entry;
const segue_plugin segue_plugin_entry = {sizeof(segue_plugin), SEGUE_ENTRY_REVISION, &info,
                                         open_plugin,          close_plugin,         find};

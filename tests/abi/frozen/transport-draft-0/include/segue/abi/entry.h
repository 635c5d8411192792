/* SPDX-License-Identifier: Apache-2.0
 * entry.h - the one exported object of a plugin, and the host that it talks to. */
#ifndef SEGUE_ABI_ENTRY_H
#define SEGUE_ABI_ENTRY_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_ENTRY_REVISION 1u
#define SEGUE_ENTRY_SYMBOL "segue_plugin_entry"

/* What a configuration key may hold. The textual form is TOML's; sizes and durations are strings
 * such as "512M" and "200ms", which the host parses. */
#define SEGUE_OPTION_STRING 1u
#define SEGUE_OPTION_UINT 2u
#define SEGUE_OPTION_BOOL 3u
#define SEGUE_OPTION_SIZE 4u     /* bytes */
#define SEGUE_OPTION_DURATION 5u /* microseconds */
#define SEGUE_OPTION_PATH 6u     /* absolute */

/* One key of a plugin's own configuration. */
typedef struct segue_option {
    const char* key;
    const char* doc;           /* one line */
    const char* default_value; /* as it would stand in TOML, unquoted; NULL: none */
    uint64_t min, max;         /* for UINT, SIZE and DURATION; max 0: no bound */
    uint32_t type;             /* SEGUE_OPTION_* */
    uint32_t required;         /* 0 or 1 */
} segue_option;
SEGUE_ABI_ASSERT(sizeof(segue_option) == 48, "segue_option is part of the ABI");

/* What a plugin says about itself. The build writes <id>.toml from it; the host refuses a binary
 * that disagrees with its manifest. All pointers live as long as the process. */
typedef struct segue_info {
    uint32_t size;
    uint32_t reserved;
    const char* kind;         /* table id, for example SEGUE_TRANSPORT_ID */
    const char* id;           /* unique within the kind: [a-z0-9-]+ */
    const char* version;      /* of the plugin */
    const char* licence;      /* SPDX expression */
    const char* summary;      /* one line */
    const char* const* needs; /* service ids, NULL-terminated */
    const char* const* caps;  /* names of capabilities, NULL-terminated */
    const segue_option* options;
    uint32_t n_options;
    uint32_t wire_rev, wire_rev_min;   /* what a mode speaks; 0: none */
    uint32_t state_rev, state_rev_min; /* what a preserver saves; 0: none */
    uint32_t reserved2;
} segue_info;
SEGUE_ABI_ASSERT(sizeof(segue_info) == 96, "segue_info is part of the ABI");

/* The host, as a plugin sees it. [any] */
typedef struct segue_host {
    uint32_t size;
    uint32_t reserved;
    void* h;
    /* The table of a service, or NULL where this host has none of that id. [any] */
    const void* (*service)(void* h, const char* id);
} segue_host;
SEGUE_ABI_ASSERT(sizeof(segue_host) == 24, "segue_host is part of the ABI");

/* Exported by every plugin as `segue_plugin_entry`, and nothing else is exported. */
typedef struct segue_plugin {
    uint32_t size;
    uint32_t entry_rev; /* SEGUE_ENTRY_REVISION */
    const segue_info* info;
    /* Called once, before anything else. [main] */
    segue_status (*open)(const segue_host* host, segue_error* e);
    /* Called once, after the last instance is gone. [main] */
    void (*close)(void);
    /* The function table of `kind_id`, or NULL. [any] */
    const void* (*table)(const char* kind_id);
} segue_plugin;
SEGUE_ABI_ASSERT(sizeof(segue_plugin) == 40, "segue_plugin is part of the ABI");

#ifdef __cplusplus
}
#endif
#endif

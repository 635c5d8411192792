/* SPDX-License-Identifier: Apache-2.0
 * memory.h - kind "segue.memory.draft/1": where guest RAM comes from, and what its descriptor
 * survives. Mapping, NUMA, prefault and hole punching are the host's. */
#ifndef SEGUE_ABI_MEMORY_H
#define SEGUE_ABI_MEMORY_H

#include <segue/abi/config.h>
#include <segue/abi/entry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_MEMORY_ID "segue.memory.draft/1"

/* What the bytes outlive: segue_block.survives, segue_memory.caps, and by name in segue_info. */
#define SEGUE_SURVIVES_EXEC (1ull << 0)     /* "exec": execve of the owner */
#define SEGUE_SURVIVES_TRANSFER (1ull << 1) /* "transfer": the fd goes to another process */
#define SEGUE_SURVIVES_RESTART (1ull << 2)  /* "restart": a time without any VMM process */
#define SEGUE_SURVIVES_KERNEL (1ull << 3)   /* "kernel": a kexec of the host */
#define SEGUE_MEMORY_USERFAULT (1ull << 8)  /* "userfault": userfaultfd can serve it */

#define SEGUE_NO_STAMP (~0ull)

/* One range of guest RAM. Filled by the plugin; `size` set by the host, may grow at the tail. */
typedef struct segue_block {
    uint32_t size;
    uint32_t page_shift; /* of the backing pages: 12, 21, 30 */
    int32_t fd;          /* the host's from now on */
    uint32_t map_flags;  /* flags for mmap(2), MAP_SHARED, MAP_SHARED_VALIDATE or MAP_PRIVATE */
    uint64_t offset;     /* of the RAM in fd, bytes */
    uint64_t bytes;
    uint64_t stamp;    /* offset of 4 KiB beside the RAM, or SEGUE_NO_STAMP */
    uint64_t survives; /* SEGUE_SURVIVES_* */
    const char* name;  /* the host's */
} segue_block;
SEGUE_ABI_ASSERT(sizeof(segue_block) == 56, "segue_block is part of the ABI");

typedef struct segue_memory {
    uint64_t caps;
    segue_status (*create)(const segue_config* config, const segue_host* host, void** self,
                           segue_error* e); /* [main] */
    void (*destroy)(void* self);
    /* Whether `bytes` could be made here and now; creates nothing. NULL: yes. [main, update] */
    segue_status (*check)(void* self, uint64_t bytes, segue_error* e);
    /* Makes a new, zeroed block; EXISTS where there is one already. [main] */
    segue_status (*make)(void* self, const char* name, uint64_t bytes, segue_block* b,
                         segue_error* e);
    /* Opens the block that make() left behind; never creates, truncates or zeroes. NULL unless
     * the bytes survive a restart. [main] */
    segue_status (*reopen)(void* self, const char* name, uint64_t bytes, segue_block* b,
                           segue_error* e);
    /* Takes `fd` (consumed on OK, untouched on error), which another generation made; checks type,
     * size and seals. [main] */
    segue_status (*adopt)(void* self, const char* name, int32_t fd, uint64_t offset, uint64_t bytes,
                          segue_block* b, segue_error* e);
    /* The guest is gone for good: remove what make() left outside (a file). NULL: nothing. */
    void (*drop)(void* self, const char* name);
} segue_memory;
SEGUE_ABI_ASSERT(sizeof(segue_memory) == 64, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

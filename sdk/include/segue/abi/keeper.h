/* SPDX-License-Identifier: Apache-2.0
 * keeper.h - kind "segue.keeper.draft/1": who holds named descriptors while no VMM lives. */
#ifndef SEGUE_ABI_KEEPER_H
#define SEGUE_ABI_KEEPER_H

#include <segue/abi/config.h>
#include <segue/abi/entry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_KEEPER_ID "segue.keeper.draft/1"

#define SEGUE_KEEPER_EXEC (1ull << 0)    /* "exec": an execve */
#define SEGUE_KEEPER_CRASH (1ull << 1)   /* "crash": the death of the VMM */
#define SEGUE_KEEPER_SERVICE (1ull << 2) /* "service": a restart of the service */
#define SEGUE_KEEPER_KERNEL (1ull << 3)  /* "kernel": a kexec of the host */

typedef struct segue_item {
    const char* name; /* at most 63 bytes */
    int32_t fd;
    uint32_t flags; /* 0 */
} segue_item;
SEGUE_ABI_ASSERT(sizeof(segue_item) == 16, "segue_item is part of the ABI");

typedef struct segue_keeper {
    uint64_t survives; /* SEGUE_KEEPER_* */
    segue_status (*create)(const segue_config* config, const segue_host* host, void** self,
                           segue_error* e); /* [main, update] */
    void (*destroy)(void* self);
    /* Whether hold() would take these; changes nothing. [update] */
    segue_status (*check)(void* self, const segue_item* items, uint32_t n, segue_error* e);
    /* Holds all of them or none; the fds stay the caller's too. [update] */
    segue_status (*hold)(void* self, const segue_item* items, uint32_t n, segue_error* e);
    /* Gives back all that is held: *n fds, the caller's. INVALID where `cap` is too small, nothing
     * taken. Names live until the next call. [main] */
    segue_status (*take)(void* self, segue_item* items, uint32_t cap, uint32_t* n, segue_error* e);
    /* Forgets and closes what is held: the update was taken back. [update] */
    void (*drop)(void* self);
} segue_keeper;
SEGUE_ABI_ASSERT(sizeof(segue_keeper) == 56, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

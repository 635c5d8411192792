/* SPDX-License-Identifier: Apache-2.0
 * userfault.h - service "segue.userfault.draft/1": guest RAM that comes after the guest runs. It
 * answers where the plan has SEGUE_NEEDS_USERFAULT.
 *
 * Incoming: from arm() on a page that has not come stops whoever touches it (a vCPU, a device, the
 * kernel for one of them) until segue_host_update.get_pages() has brought it. A mode serves that
 * from its handover hook on, by threads of its own, because the loading of the state may touch RAM.
 * From handover on the services obey, on these threads, neither deadline nor cancel: they answer
 * CANCELLED once the update is over on this side. */
#ifndef SEGUE_ABI_USERFAULT_H
#define SEGUE_ABI_USERFAULT_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_USERFAULT_ID "segue.userfault.draft/1"

/* Pages of 4 KiB that somebody waits for: all of one page of the block. */
typedef struct segue_fault {
    uint32_t block;
    uint32_t n;
    uint64_t first;
} segue_fault;
SEGUE_ABI_ASSERT(sizeof(segue_fault) == 16, "segue_fault is part of the ABI");

/* [update, and the mode's own threads] */
typedef struct segue_host_userfault {
    void* h;
    /* Incoming, phase handover, before arm(): of the pages [first, first + n), both multiples of
     * 64, those have not come whose bit is set, as in segue_host_dirty.take; what is there of them
     * is out of date and goes. */
    segue_status (*discard)(void* h, uint32_t block, uint64_t first, uint64_t n,
                            const uint64_t* bits, segue_error* e);
    segue_status (*arm)(void* h, segue_error* e);
    /* Waits for the next pages that somebody needs, each told once; *n == 0: none will come any
     * more, by disarm(). [one thread] */
    segue_status (*faults)(void* h, segue_fault* faults, uint32_t cap, uint32_t* n, segue_error* e);
    /* How many pages have not come. */
    segue_status (*missing)(void* h, uint64_t* pages, segue_error* e);
    /* No page can come any more. Before the commit: whoever waits goes on, and the update fails.
     * After it: REFUSED while pages are missing. */
    segue_status (*disarm)(void* h, segue_error* e);
    /* Outgoing, phase fetch: the other side has them; their memory is given back. */
    segue_status (*drop)(void* h, uint32_t block, uint64_t first, uint64_t n, segue_error* e);
} segue_host_userfault;
SEGUE_ABI_ASSERT(sizeof(segue_host_userfault) == 56, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

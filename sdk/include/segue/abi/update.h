/* SPDX-License-Identifier: Apache-2.0
 * update.h - service "segue.update.draft/1": what the engine does for a mode.
 *
 * Every call is bounded by the phase's deadline and by cancel, and answers DEADLINE or CANCELLED
 * then; a call in the wrong phase answers PHASE. [update, and the mode's own threads: one call at
 * a time per channel] */
#ifndef SEGUE_ABI_UPDATE_H
#define SEGUE_ABI_UPDATE_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_UPDATE_ID "segue.update.draft/1"

/* A run of 4 KiB pages of one block, as they travel on a channel. */
typedef struct segue_pages {
    uint32_t block; /* index into segue_host_ram.blocks */
    uint32_t flags; /* SEGUE_PAGES_* */
    uint64_t first; /* page number within the block */
    uint64_t n;     /* pages; get_pages: 0 at the end */
} segue_pages;
SEGUE_ABI_ASSERT(sizeof(segue_pages) == 24, "segue_pages is part of the ABI");
#define SEGUE_PAGES_ZERO 1u /* the run is all zero: no bytes follow */

/* checkpoint(): asked */
#define SEGUE_ASKED_SWITCH 1u /* somebody wants the guest on the new side now, its RAM later */

typedef struct segue_host_update {
    void* h;
    /* What both sides agreed on, from prepare on; before that the outgoing side knows the arbiter.
     */
    segue_status (*agreed)(void* h, uint32_t* wire_rev, uint32_t* arbiter, uint64_t* budget_us,
                           segue_error* e);
    /* To be called in every loop: CANCELLED, DEADLINE, or OK; *asked: SEGUE_ASKED_*. */
    segue_status (*checkpoint)(void* h, uint32_t* asked, segue_error* e);
    void (*progress)(void* h, uint64_t done, uint64_t total); /* bytes */
    /* Connects (outgoing) or accepts (incoming) channel `index` of the plan's `name`; the host owns
     * it. The same channel again where it is open already. Phase: prepare and later. */
    segue_status (*channel)(void* h, const char* name, uint32_t index, void** channel,
                            segue_error* e);
    /* The mode's own bytes, one message a call, at most 1 MiB. */
    segue_status (*send)(void* h, void* channel, const segue_iov* iov, uint32_t n, segue_error* e);
    segue_status (*recv)(void* h, void* channel, const segue_iov* iov, uint32_t n, uint64_t* done,
                         segue_error* e);
    /* Sends a run of pages, n == 0 for "no more"; gets the next one, places it in the block and
     * marks it received. Phase: copy, handover, fetch. */
    segue_status (*put_pages)(void* h, void* channel, const segue_pages* pages, segue_error* e);
    segue_status (*get_pages)(void* h, void* channel, segue_pages* pages, segue_error* e);
    /* Sends, or receives and checks, every descriptor of the inventory, the RAM blocks that stay in
     * place among them. Phase: prepare. */
    segue_status (*pass_inventory)(void* h, void* channel, segue_error* e);
    /* Gives the inventory to the keeper (outgoing), takes it back (incoming). Phase: handover on
     * the outgoing side, prepare on the incoming side. */
    segue_status (*keep_inventory)(void* h, segue_error* e);
    /* Sends, or receives whole, the machine's state. Phase: handover. */
    segue_status (*pass_state)(void* h, void* channel, segue_error* e);
} segue_host_update;
SEGUE_ABI_ASSERT(sizeof(segue_host_update) == 96, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 * dirty.h - service "segue.dirty.draft/1": which pages of guest RAM were written while a mode
 * copies them. It answers where the plan has SEGUE_NEEDS_DIRTY_LOG, on the outgoing side. */
#ifndef SEGUE_ABI_DIRTY_H
#define SEGUE_ABI_DIRTY_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_DIRTY_ID "segue.dirty.draft/1"

/* Pages of one take(), at most: 1 GiB. */
#define SEGUE_DIRTY_MAX 262144u

/* The host starts the log before the copy hook; every page counts as written then, once.
 * [update, and the mode's own threads; phases copy and handover] */
typedef struct segue_host_dirty {
    void* h;
    /* Finds what was written since the last look; *pages: how many there are to be taken by now.
     * The work is that of reading one bit a page of all RAM. */
    segue_status (*look)(void* h, uint64_t* pages, segue_error* e);
    /* Takes the pages [first, first + n) of a block, both multiples of 64, up to its end: bit i %
     * 64 of bits[i / 64] is set where page first + i was written before the last look and not taken
     * since; room for n / 64 words. The pages given count as unwritten from now on: read
     * afterwards, their bytes are what they are until the next look. */
    segue_status (*take)(void* h, uint32_t block, uint64_t first, uint64_t n, uint64_t* bits,
                         segue_error* e);
} segue_host_dirty;
SEGUE_ABI_ASSERT(sizeof(segue_host_dirty) == 24, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

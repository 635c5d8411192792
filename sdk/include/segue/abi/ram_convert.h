/* SPDX-License-Identifier: Apache-2.0
 * ram_convert.h - service "segue.ram_convert.draft/1": guest RAM that no other process can be given
 * is moved, under the running guest, into memory that can. It answers where the plan has
 * SEGUE_NEEDS_RAM_CONVERT, on the outgoing side. */
#ifndef SEGUE_ABI_RAM_CONVERT_H
#define SEGUE_ABI_RAM_CONVERT_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_RAM_CONVERT_ID "segue.ram_convert.draft/1"

/* What one call did. Filled by the host; `size` set by the mode, may grow at the tail. */
typedef struct segue_converted {
    uint32_t size;
    uint32_t reserved;
    uint64_t bytes;   /* of RAM that moved, holes and all; 0: there was nothing left */
    uint64_t copied;  /* how much of it had to be copied */
    uint64_t left;    /* bytes of RAM that are still to be moved */
    uint64_t stop_us; /* for how long the guest stood still */
} segue_converted;
SEGUE_ABI_ASSERT(sizeof(segue_converted) == 40, "segue_converted is part of the ABI");

/* The host gives every such block a descriptor before prepare, which crosses with the inventory:
 * to the plan the block is IN_PLACE. [update; phase copy] */
typedef struct segue_host_ram_convert {
    void* h;
    /* Moves the next piece, of which at most about `copy` bytes are to be copied, one page at
     * least; memory for them is taken beforehand. The guest stands still meanwhile and then goes
     * on as it was, also where this fails: RAM is the same on both sides of every call. */
    segue_status (*convert)(void* h, uint64_t copy, segue_converted* done, segue_error* e);
} segue_host_ram_convert;
SEGUE_ABI_ASSERT(sizeof(segue_host_ram_convert) == 16, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

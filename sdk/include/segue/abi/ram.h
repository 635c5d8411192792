/* SPDX-License-Identifier: Apache-2.0
 * ram.h - service "segue.ram.draft/1": guest RAM, as a mode sees it. */
#ifndef SEGUE_ABI_RAM_H
#define SEGUE_ABI_RAM_H

#include <segue/abi/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_RAM_ID "segue.ram.draft/1"

/* [update, and the mode's own threads] */
typedef struct segue_host_ram {
    void* h;
    /* *n blocks there are; the first `cap` of them are filled in, their fds borrowed. Phase: any.
     */
    segue_status (*blocks)(void* h, segue_block* blocks, uint32_t cap, uint32_t* n, segue_error* e);
    /* Where the block is mapped in this process. Phase: copy and later on the incoming side. */
    segue_status (*map)(void* h, uint32_t block, void** base, segue_error* e);
} segue_host_ram;
SEGUE_ABI_ASSERT(sizeof(segue_host_ram) == 24, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 * process.h - service "segue.process.draft/1": descriptors that survive this process's execve. */
#ifndef SEGUE_ABI_PROCESS_H
#define SEGUE_ABI_PROCESS_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_PROCESS_ID "segue.process.draft/1"

typedef struct segue_host_process {
    void* h;
    /* `fd` (borrowed, open until the update is over) survives this update's execve under `name`;
     * -1 undoes it. EXISTS for a name that is taken. [update] */
    segue_status (*put_exec)(void* h, const char* name, int32_t fd, segue_error* e);
    /* Takes what the image before put there: *fd is the caller's. NOT_FOUND. [main] */
    segue_status (*get_exec)(void* h, const char* name, int32_t* fd, segue_error* e);
} segue_host_process;
SEGUE_ABI_ASSERT(sizeof(segue_host_process) == 24, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

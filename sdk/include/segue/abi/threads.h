/* SPDX-License-Identifier: Apache-2.0
 * threads.h - service "segue.threads/1": the only way in which a plugin starts a thread. */
#ifndef SEGUE_ABI_THREADS_H
#define SEGUE_ABI_THREADS_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_THREADS_ID "segue.threads/1"

typedef struct segue_host_threads {
    void* h;
    /* Starts `run(arg)` on a thread named `name` (at most 15 bytes); joined at the end of the
     * update. `run` must return once a host service answers CANCELLED or CLOSED. [update] */
    segue_status (*start)(void* h, const char* name, void (*run)(void* arg), void* arg,
                          segue_error* e);
} segue_host_threads;

#ifdef __cplusplus
}
#endif
#endif

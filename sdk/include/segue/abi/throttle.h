/* SPDX-License-Identifier: Apache-2.0
 * throttle.h - service "segue.throttle.draft/1": a guest that writes its RAM faster than it can be
 * copied is slowed down. It answers on the outgoing side. */
#ifndef SEGUE_ABI_THROTTLE_H
#define SEGUE_ABI_THROTTLE_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_THROTTLE_ID "segue.throttle.draft/1"
#define SEGUE_THROTTLE_MAX 99u

typedef struct segue_host_throttle {
    void* h;
    /* From now on each vCPU is out of the guest for `percent` of the time, 0 to
     * SEGUE_THROTTLE_MAX, in turns of some milliseconds. The host takes it back where the guest
     * stays. [update; phase copy] */
    segue_status (*set)(void* h, uint32_t percent, segue_error* e);
} segue_host_throttle;
SEGUE_ABI_ASSERT(sizeof(segue_host_throttle) == 16, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 * status.h - what every function of the ABI returns, and where its error text goes. */
#ifndef SEGUE_ABI_STATUS_H
#define SEGUE_ABI_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
#define SEGUE_ABI_ASSERT(cond, text) static_assert(cond, text)
extern "C" {
#else
#define SEGUE_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#endif

/* SEGUE_OK, or one of the codes below. A code that a host does not know is an internal error. */
typedef int32_t segue_status;

#define SEGUE_OK 0
#define SEGUE_AGAIN 1     /* nothing to do yet: poll what ready() names, then call again */
#define SEGUE_CANCELLED 2 /* somebody asked for the update to stop */
#define SEGUE_DEADLINE 3  /* the phase's deadline passed */
#define SEGUE_PHASE 4     /* this call is not allowed in this phase */
#define SEGUE_PAUSED 5    /* a channel is lost, but the guest is safe: recover, then call again */
#define SEGUE_REFUSED 6   /* understood, and declined for the reason given */
#define SEGUE_INVALID 7   /* an argument or an input is malformed */
#define SEGUE_NOT_FOUND 8 /* a named thing does not exist */
#define SEGUE_EXISTS 9    /* a named thing exists already, or is in use */
#define SEGUE_UNSUPPORTED 10 /* this build, host or plugin cannot do it */
#define SEGUE_IO 11          /* a system call failed: see sys_errno */
#define SEGUE_CLOSED 12      /* the other side hung up */
#define SEGUE_CORRUPT 13     /* a checksum, magic number or length is wrong */
#define SEGUE_INTERNAL 14    /* a defect: an exception, an unknown status */

/* Filled by whoever fails, owned by whoever calls; may be NULL. `size` is set by the caller, and
 * the struct may grow at its tail. Strings are UTF-8 and always terminated. */
typedef struct segue_error {
    uint32_t size;
    int32_t code;      /* a segue_status */
    int32_t sys_errno; /* errno of the failed system call, or 0 */
    int32_t reserved;
    char what[384];    /* what was tried, on what, and why it failed */
    char way_out[256]; /* what to do about it; may be empty */
} segue_error;
SEGUE_ABI_ASSERT(sizeof(segue_error) == 656, "segue_error is part of the ABI");

/* One piece of memory of a scatter/gather list. */
typedef struct segue_iov {
    void* base;
    uint64_t len; /* bytes */
} segue_iov;
SEGUE_ABI_ASSERT(sizeof(segue_iov) == 16, "segue_iov is part of the ABI");

#ifdef __cplusplus
}
#endif
#endif

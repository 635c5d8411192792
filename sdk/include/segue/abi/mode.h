/* SPDX-License-Identifier: Apache-2.0
 * mode.h - kind "segue.mode.draft/1": how one update moves a guest.
 *
 * A mode says which channels it needs, how and when RAM crosses, and what is sent where in which
 * order. It never pauses, resumes, commits, forks or waits by itself: the engine does.
 *
 * segue_info.caps of a mode names its unions: successor-peer, -self, -later; arbiter-word,
 * -handshake; ram-in-place, -before, -in-pause, -after.
 *
 * The hooks of both sides, in the order of the phases:
 *
 *   phase      outgoing   incoming
 *   preflight  check      check (in a probe)
 *   prepare    prepare    prepare      guest runs on the old side
 *   copy       copy       copy         guest runs on the old side
 *   pause      -          -
 *   handover   handover   handover     guest stands still
 *   commit     -          -
 *   fetch      fetch      fetch        guest runs on the new side; only where the plan has AFTER
 *   retire     end        end
 *   rollback   reclaim, then end       end
 */
#ifndef SEGUE_ABI_MODE_H
#define SEGUE_ABI_MODE_H

#include <segue/abi/config.h>
#include <segue/abi/entry.h>
#include <segue/abi/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_MODE_ID "segue.mode.draft/1"

/* create(): side */
#define SEGUE_SIDE_OUTGOING 0u
#define SEGUE_SIDE_INCOMING 1u

/* segue_mode.successors (a set) and segue_plan.successor (one of them) */
#define SEGUE_SUCCESSOR_PEER 1u  /* another process, started by us or already waiting */
#define SEGUE_SUCCESSOR_SELF 2u  /* execve of this process */
#define SEGUE_SUCCESSOR_LATER 4u /* a start after we are gone */

/* arbiters: who says which side owns the guest */
#define SEGUE_ARBITER_WORD 1u      /* the ownership record, on one host */
#define SEGUE_ARBITER_HANDSHAKE 2u /* two hosts */

/* When RAM crosses: bits, for a mode, a plan, and each block of it, which is IN_PLACE and nothing
 * else, or crosses */
#define SEGUE_RAM_IN_PLACE 1u
#define SEGUE_RAM_BEFORE 2u
#define SEGUE_RAM_IN_PAUSE 4u
#define SEGUE_RAM_AFTER 8u

/* segue_plan.needs */
#define SEGUE_NEEDS_DIRTY_LOG 1u
#define SEGUE_NEEDS_USERFAULT 2u
#define SEGUE_NEEDS_INVENTORY 4u
#define SEGUE_NEEDS_KEEPER 8u
#define SEGUE_NEEDS_RAM_CONVERT 16u

/* segue_channel_need.flags */
#define SEGUE_CHANNEL_OPTIONAL 1u

/* end(): outcome */
#define SEGUE_OUTCOME_COMPLETED 0u
#define SEGUE_OUTCOME_FAILED 1u
#define SEGUE_OUTCOME_CANCELLED 2u

/* A channel that the mode asks the host for, by name; the configuration picks the transport. */
typedef struct segue_channel_need {
    const char* name;   /* "main", "cpr", "data" */
    uint64_t need_caps; /* SEGUE_TRANSPORT_* that the transport must have */
    uint32_t flags;
    uint32_t count; /* how many connections, at least 1 */
} segue_channel_need;
SEGUE_ABI_ASSERT(sizeof(segue_channel_need) == 24, "segue_channel_need is part of the ABI");

/* What this update will do; lives as long as the instance. */
typedef struct segue_plan {
    uint32_t size;
    uint32_t successor; /* one SEGUE_SUCCESSOR_* */
    uint32_t arbiters;  /* a set */
    uint32_t ram;       /* the union over the blocks */
    uint32_t needs;
    uint32_t n_channels;
    const segue_channel_need* channels;
} segue_plan;
SEGUE_ABI_ASSERT(sizeof(segue_plan) == 32, "segue_plan is part of the ABI");

/* All hooks: [update]. A NULL hook has nothing to do. */
typedef struct segue_mode {
    uint32_t successors, arbiters, ram; /* what the mode could do: unions */
    uint32_t wire_rev, wire_rev_min;
    uint32_t reserved;
    uint64_t excludes; /* 0 */
    segue_status (*create)(const segue_config* config, const segue_host* host, uint32_t side,
                           void** self, segue_error* e);
    void (*destroy)(void* self);
    /* What this update will do, for the blocks given; ram_of_block[i] is one SEGUE_RAM_* set. */
    segue_status (*plan)(void* self, const segue_block* blocks, uint32_t n, uint32_t* ram_of_block,
                         segue_plan* plan, segue_error* e);
    segue_status (*check)(void* self, segue_error* e);
    segue_status (*prepare)(void* self, segue_error* e);
    segue_status (*copy)(void* self, segue_error* e);
    segue_status (*handover)(void* self, segue_error* e);
    segue_status (*fetch)(void* self, segue_error* e);
    segue_status (*reclaim)(void* self, segue_error* e);
    void (*end)(void* self, uint32_t outcome);
} segue_mode;
SEGUE_ABI_ASSERT(sizeof(segue_mode) == 112, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

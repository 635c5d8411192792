/* SPDX-License-Identifier: Apache-2.0
 * command.h - service "segue.command.draft/1": the only way in which a plugin runs a command. */
#ifndef SEGUE_ABI_COMMAND_H
#define SEGUE_ABI_COMMAND_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_COMMAND_ID "segue.command.draft/1"

typedef struct segue_host_command {
    void* h;
    /* Runs `/bin/sh -c command` as the leader of a process group of its own, with `in`, `out` and
     * `err` (borrowed; -1: /dev/null) as 0, 1 and 2, nothing else open, no signal blocked or
     * ignored. The command is one of the configuration. *pidfd is the caller's: readable once the
     * leader has ended. [update] */
    segue_status (*start)(void* h, const char* command, int32_t in, int32_t out, int32_t err,
                          int32_t* pid, int32_t* pidfd, segue_error* e);
    /* Kills what is left of the group and reaps the leader; says how that one ended: *code of
     * exit(3), or the *signal (else 0). Consumes the pidfd. Must follow every start().
     * DEADLINE where the kernel does not let go of it within a second. [update] */
    segue_status (*end)(void* h, int32_t pid, int32_t pidfd, int32_t* code, int32_t* signal,
                        segue_error* e);
} segue_host_command;
SEGUE_ABI_ASSERT(sizeof(segue_host_command) == 24, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif

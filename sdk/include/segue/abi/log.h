/* SPDX-License-Identifier: Apache-2.0
 * log.h - service "segue.log/1": a line in the host's log, under the plugin's name. */
#ifndef SEGUE_ABI_LOG_H
#define SEGUE_ABI_LOG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_LOG_ID "segue.log/1"

#define SEGUE_LOG_DEBUG 0u
#define SEGUE_LOG_INFO 1u
#define SEGUE_LOG_WARN 2u
#define SEGUE_LOG_ERROR 3u

typedef struct segue_host_log {
    void* h;
    void (*write)(void* h, uint32_t level, const char* line); /* [any] */
} segue_host_log;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 * config.h - service "segue.config/1": a plugin reads its own keys, already checked by its schema.
 */
#ifndef SEGUE_ABI_CONFIG_H
#define SEGUE_ABI_CONFIG_H

#include <segue/abi/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_CONFIG_ID "segue.config/1"

/* One instance's keys; lives as long as the create() call that it was given to. */
typedef struct segue_config segue_config;

/* Every key of the schema has a value (its default) or is absent: NOT_FOUND. A key that is not in
 * the schema, or asked for by the wrong type: INVALID. [main, update] */
typedef struct segue_host_config {
    /* STRING and PATH; the string lives as long as the config. */
    segue_status (*text)(const segue_config* c, const char* key, const char** value);
    /* UINT, SIZE (bytes) and DURATION (microseconds). */
    segue_status (*number)(const segue_config* c, const char* key, uint64_t* value);
    /* BOOL: 0 or 1. */
    segue_status (*flag)(const segue_config* c, const char* key, uint32_t* value);
} segue_host_config;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0
 * surface.c - every type of the ABI, as debug information that abidiff(1) can compare. */
#include <segue/abi/command.h>
#include <segue/abi/config.h>
#include <segue/abi/dirty.h>
#include <segue/abi/entry.h>
#include <segue/abi/keeper.h>
#include <segue/abi/log.h>
#include <segue/abi/memory.h>
#include <segue/abi/mode.h>
#include <segue/abi/process.h>
#include <segue/abi/ram.h>
#include <segue/abi/ram_convert.h>
#include <segue/abi/threads.h>
#include <segue/abi/throttle.h>
#include <segue/abi/transport.h>
#include <segue/abi/update.h>
#include <segue/abi/userfault.h>

#define SHOWN __attribute__((visibility("default")))

SHOWN segue_plugin the_entry; /* and through it info, host, option, error */
SHOWN segue_transport the_transport;
SHOWN segue_memory the_memory;
SHOWN segue_keeper the_keeper;
SHOWN segue_mode the_mode;
SHOWN segue_host_command the_command_service;
SHOWN segue_host_config the_config_service;
SHOWN segue_host_dirty the_dirty_service;
SHOWN segue_host_log the_log_service;
SHOWN segue_host_process the_process_service;
SHOWN segue_host_ram the_ram_service;
SHOWN segue_host_ram_convert the_ram_convert_service;
SHOWN segue_host_threads the_threads_service;
SHOWN segue_host_update the_update_service;
SHOWN segue_host_userfault the_userfault_service;
SHOWN segue_host_throttle the_throttle_service;

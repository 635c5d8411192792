// SPDX-License-Identifier: Apache-2.0
// backend.hpp - where a console's bytes come from and go to.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/config/guest_config.hpp"
#include "core/inventory/inventory.hpp"

namespace segue::vmm {

using config::ConsoleKind;
// `path`: the file, which is output only; of a pty, once it is open, the slave.
using config::ConsoleConfig;

// The descriptors belong to the inventory ("console.pty", or "console.in" and "console.out"), so
// that the next generation finds them there. -1: none.
struct ConsoleBackend {
    ConsoleConfig config;
    int in = -1;
    int out = -1;
    UniqueFd slave; // pty: held open, or the master would report a hang-up with no reader
};

// First boot: opens what `config` says and adds it to the inventory. [main]
Result<ConsoleBackend> open_console(const ConsoleConfig& config, inventory::Inventory& inventory);
// A later generation: finds it there. [main]
Result<ConsoleBackend> adopt_console(const ConsoleConfig& config,
                                     const inventory::Inventory& inventory);

} // namespace segue::vmm

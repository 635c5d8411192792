// SPDX-License-Identifier: Apache-2.0
// pty.hpp - a pseudo-terminal whose master goes from generation to generation.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::vmm {

struct Pty {
    int master = -1;  // the inventory's, not blocking; -1: none
    std::string path; // of the slave
    UniqueFd slave;   // held open, or the master would report a hang-up with no reader
};

// First boot: a raw one; its master joins the inventory as `item`. [main]
Result<Pty> open_pty(const std::string& item, inventory::Inventory& inventory);
// A later generation: finds it there. [main]
Result<Pty> adopt_pty(const std::string& item, const inventory::Inventory& inventory);

} // namespace segue::vmm

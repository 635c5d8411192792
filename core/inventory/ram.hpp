// SPDX-License-Identifier: Apache-2.0
// ram.hpp - RAM blocks out of memory plugins, mapped.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"
#include "core/plugin/adapters/memory.hpp"

namespace segue::inventory {

// A new, zeroed block. [main]
Result<RamBlock> make_block(plugin::Memory& memory, const std::string& id,
                            const std::string& backend, std::uint64_t bytes);
// The block behind a descriptor that another generation made. [main, update]
Result<RamBlock> adopt_block(plugin::Memory& memory, const std::string& id,
                             const std::string& backend, UniqueFd fd, std::uint64_t offset,
                             std::uint64_t bytes);

// The block that make_block() left behind, when no descriptor of it came. [main]
Result<RamBlock> reopen_block(plugin::Memory& memory, const std::string& id,
                              const std::string& backend, std::uint64_t bytes);

// Address space in place of a block of the running guest, for who only checks: as large, and empty.
Result<RamBlock> stand_in(const std::string& id, std::uint64_t bytes);

} // namespace segue::inventory

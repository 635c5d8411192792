// SPDX-License-Identifier: Apache-2.0
// beside.hpp - a RAM block's file, read and written beside the guest's mapping of it: the stamp,
// and holes that are to stay holes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::inventory {

// `at` counts from the file's first byte; the range lies in one backing page. By pread(2) and
// pwrite(2), else, where the file knows none (hugetlbfs, device DAX), through a mapping of that
// page.
Status read_beside(const RamBlock& block, std::uint64_t at, std::span<std::byte> to);
Status write_beside(const RamBlock& block, std::uint64_t at, std::span<const std::byte> from);

} // namespace segue::inventory

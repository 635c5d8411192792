// SPDX-License-Identifier: Apache-2.0
// vm_areas.hpp - what the kernel says of this process's mappings, and of pages that must stay where
// they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

// A line of /proc/PID/smaps (proc(5)).
struct VmArea {
    std::uintptr_t begin = 0, end = 0;
    std::string flags; // of VmFlags: " rd wr mr mw me ac lo dd "

    // `flag`: two letters.
    bool has(std::string_view flag) const;
    bool overlaps(const void* base, std::uint64_t bytes) const;
};

// All of them, in their order. Takes time with the memory that the process has. [any]
Result<std::vector<VmArea>> vm_areas();

// The advice of madvise(2) that an area was given and that a mapping in its place is to be given.
std::vector<int> advice_of(const VmArea& area);

// What the kernel counts as locked and as pinned of this process, in bytes (proc(5), status). [any]
struct HeldBytes {
    std::uint64_t locked = 0, pinned = 0;
};
Result<HeldBytes> held_bytes();
// Of them, those that someone has pinned: a device may go on using the very pages. `areas`: all;
// what mlock(2) holds is no pin.
std::uint64_t pinned_bytes(const HeldBytes& held, const std::vector<VmArea>& areas);

} // namespace segue::vmm

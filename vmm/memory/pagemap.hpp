// SPDX-License-Identifier: Apache-2.0
// pagemap.hpp - which pages of a mapping exist, without touching them: to read one that does not
// may make it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::vmm {

// Of this process (Linux Documentation/admin-guide/mm/pagemap.rst); pages of 4 KiB. [one thread]
class Pagemap {
public:
    static Result<Pagemap> open();

    // Looks at whole pages of a mapping, from `base` on: of a shared one, at what this process has
    // mapped.
    Status look(const std::byte* base, std::size_t pages);
    // Of those, in memory or swapped out; one that is not reads as zeros.
    bool exists(std::size_t page) const { return entries_[page] >> 62 != 0; }

private:
    UniqueFd file_;
    std::vector<std::uint64_t> entries_;
};

} // namespace segue::vmm

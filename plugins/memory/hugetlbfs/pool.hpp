// SPDX-License-Identifier: Apache-2.0
// pool.hpp - the host's pool of huge pages of one size (Documentation/admin-guide/mm/hugetlbpage).
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>

namespace segue::hugetlbfs {

// [main, update]
class Pool {
public:
    // `page_shift`: 21 or 30. `sysfs`: the folder of all pools.
    explicit Pool(std::uint32_t page_shift, std::string sysfs = "/sys/kernel/mm/hugepages");

    // Whether `bytes` are whole pages, and that many are neither in use nor promised to others.
    // INVALID, UNSUPPORTED (a host without pages of this size), REFUSED with the command that
    // helps.
    Status has(std::uint64_t bytes) const;

private:
    Result<std::uint64_t> number(const char* file) const;

    std::uint64_t page_;
    std::string dir_;
};

} // namespace segue::hugetlbfs

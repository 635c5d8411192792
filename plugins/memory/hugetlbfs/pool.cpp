// SPDX-License-Identifier: Apache-2.0
#include "pool.hpp"

#include <fstream>

namespace segue::hugetlbfs {

Pool::Pool(std::uint32_t page_shift, std::string sysfs)
    : page_(1ull << page_shift)
    , dir_(std::move(sysfs) + "/hugepages-" + std::to_string(page_ / 1024) + "kB") {}

Result<std::uint64_t> Pool::number(const char* file) const {
    std::uint64_t n = 0;
    if (std::ifstream in(dir_ + "/" + file); in >> n)
        return n;
    return Error(Code::Unsupported, "this host has no huge pages of " +
                                        std::to_string(page_ >> 20) + " MiB: " + dir_ + "/" + file +
                                        " cannot be read")
        .way_out("choose another 'page_size', or boot the host with hugepagesz=" +
                 std::to_string(page_ >> 20) + "M");
}

Status Pool::has(std::uint64_t bytes) const {
    if (bytes == 0 || bytes % page_ != 0)
        return Error(Code::Invalid, std::to_string(bytes) + " bytes are not whole pages of " +
                                        std::to_string(page_ >> 20) + " MiB")
            .way_out("choose a size that is a multiple of the page size");
    SEGUE_ASSIGN(const std::uint64_t all, number("nr_hugepages"));
    SEGUE_ASSIGN(const std::uint64_t free, number("free_hugepages"));
    SEGUE_ASSIGN(const std::uint64_t promised, number("resv_hugepages"));
    SEGUE_ASSIGN(const std::uint64_t over, number("nr_overcommit_hugepages"));
    SEGUE_ASSIGN(const std::uint64_t surplus, number("surplus_hugepages"));
    const std::uint64_t room =
        (free > promised ? free - promised : 0) + (over > surplus ? over - surplus : 0);
    const std::uint64_t needed = bytes / page_;
    if (needed <= room)
        return {};
    return Error(Code::Refused, "the pool has " + std::to_string(room) + " free huge pages of " +
                                    std::to_string(page_ >> 20) + " MiB, not " +
                                    std::to_string(needed))
        .way_out("echo " + std::to_string(all + needed - room) + " > " + dir_ + "/nr_hugepages");
}

} // namespace segue::hugetlbfs

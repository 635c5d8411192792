// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/beside.hpp"

#include <cstring>

#include <segue/cpp/sys.hpp>

namespace segue::inventory {

namespace {

Result<Mapping> page_of(const RamBlock& block, std::uint64_t at, int prot) {
    const std::uint64_t page = 1ull << block.page_shift;
    return Mapping::make(page, prot, MAP_SHARED, block.fd.get(), static_cast<off_t>(at - at % page),
                         "RAM block " + block.id);
}

} // namespace

Status read_beside(const RamBlock& block, std::uint64_t at, std::span<std::byte> to) {
    Status read = sys::pread_all(block.fd.get(), to, at);
    if (read || read.error().sys_errno() != EINVAL)
        return read;
    SEGUE_ASSIGN(const Mapping page, page_of(block, at, PROT_READ));
    std::memcpy(to.data(), page.data() + at % page.size(), to.size());
    return {};
}

Status write_beside(const RamBlock& block, std::uint64_t at, std::span<const std::byte> from) {
    Status written = sys::pwrite_all(block.fd.get(), from, at);
    if (written || written.error().sys_errno() != EINVAL)
        return written;
    SEGUE_ASSIGN(const Mapping page, page_of(block, at, PROT_READ | PROT_WRITE));
    // A touch that finds the pool empty would be SIGBUS.
    if (::madvise(page.data(), page.size(), MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
        return Error::from_errno(errno, "take the page beside RAM block " + block.id)
            .way_out("its file needs one page more than the RAM: add it to the pool")
            .with("block", block.id);
    std::memcpy(page.data() + at % page.size(), from.data(), from.size());
    return {};
}

} // namespace segue::inventory

// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/guest_ram.hpp"

#include <algorithm>

namespace segue::vmm {

namespace {

std::string range_text(std::uint64_t guest, std::uint64_t bytes) {
    char text[64];
    std::snprintf(text, sizeof text, "0x%llx, 0x%llx bytes", static_cast<unsigned long long>(guest),
                  static_cast<unsigned long long>(bytes));
    return text;
}

std::vector<std::uint64_t> sizes(const std::vector<HostRegion>& regions) {
    std::vector<std::uint64_t> bytes;
    bytes.reserve(regions.size());
    for (const HostRegion& r : regions)
        bytes.push_back(r.ram.bytes);
    return bytes;
}

} // namespace

GuestRam::GuestRam(std::vector<HostRegion> regions)
    : regions_(std::move(regions))
    , written_(std::make_shared<WrittenPages>(sizes(regions_))) {}

void GuestRam::mark(const void* host, std::uint64_t bytes) const noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(host);
    for (std::size_t i = 0; i < regions_.size(); ++i) {
        const std::uint64_t offset = at - reinterpret_cast<std::uintptr_t>(regions_[i].host);
        if (offset < regions_[i].ram.bytes && bytes != 0)
            return written_->mark(i, offset, std::min(bytes, regions_[i].ram.bytes - offset));
    }
}

std::span<std::byte> GuestRam::from(std::uint64_t guest) const noexcept {
    for (const HostRegion& r : regions_)
        if (guest >= r.ram.guest && guest - r.ram.guest < r.ram.bytes) {
            const std::uint64_t offset = guest - r.ram.guest;
            return {r.host + offset, static_cast<std::size_t>(r.ram.bytes - offset)};
        }
    return {};
}

Result<std::span<std::byte>> GuestRam::at(std::uint64_t guest, std::uint64_t bytes) const {
    if (const auto there = from(guest); !there.empty() && bytes <= there.size())
        return there.first(bytes);
    return Error(Code::Invalid, "guest-physical " + range_text(guest, bytes) + ": not all in RAM");
}

std::vector<RamRegion> GuestRam::layout() const {
    std::vector<RamRegion> layout;
    for (const HostRegion& r : regions_)
        layout.push_back(r.ram);
    return layout;
}

} // namespace segue::vmm

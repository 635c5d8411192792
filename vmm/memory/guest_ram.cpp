// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm {

namespace {

std::string range_text(std::uint64_t guest, std::uint64_t bytes) {
    char text[64];
    std::snprintf(text, sizeof text, "0x%llx, 0x%llx bytes", static_cast<unsigned long long>(guest),
                  static_cast<unsigned long long>(bytes));
    return text;
}

} // namespace

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

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/bus.hpp"

#include <algorithm>

namespace segue::vmm {

Status PortBus::attach(std::uint16_t first, std::uint16_t count, PortDevice& device) {
    const std::uint32_t end = std::uint32_t{first} + count;
    if (count == 0 || end > 0x10000)
        return Error(Code::Invalid, "I/O ports " + std::to_string(first) + ": empty or too long");
    for (const Range& r : ranges_)
        if (first < r.end && r.first < end)
            return Error(Code::Exists, "I/O port " + std::to_string(first) + ": taken");
    ranges_.push_back({first, end, &device});
    return {};
}

const PortBus::Range* PortBus::find(std::uint16_t port, std::size_t bytes) const {
    for (const Range& r : ranges_)
        if (port >= r.first && port + bytes <= r.end)
            return &r;
    return nullptr;
}

void PortBus::read(std::uint16_t port, std::span<std::byte> data) const {
    if (const Range* r = find(port, data.size()))
        r->device->read(static_cast<std::uint16_t>(port - r->first), data);
    else
        std::fill(data.begin(), data.end(), std::byte{0xff});
}

void PortBus::write(std::uint16_t port, std::span<const std::byte> data) const {
    if (const Range* r = find(port, data.size()))
        r->device->write(static_cast<std::uint16_t>(port - r->first), data);
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// bus.hpp - which device answers at which I/O port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

// Something at a range of ports. Called on vCPU threads, several at once; `port` counts from the
// range's first, and port + data.size() stays inside it.
class PortDevice {
public:
    virtual ~PortDevice() = default;
    PortDevice(const PortDevice&) = delete;
    PortDevice& operator=(const PortDevice&) = delete;

    virtual void read(std::uint16_t port, std::span<std::byte> data) = 0;
    virtual void write(std::uint16_t port, std::span<const std::byte> data) = 0;

protected:
    PortDevice() = default;
};

// Filled before the vCPUs run, then only read; devices outlive it.
class PortBus {
public:
    // EXISTS where a port is taken.
    Status attach(std::uint16_t first, std::uint16_t count, PortDevice& device);

    // As real hardware: what nobody answers reads as ones; an access across a range's end is
    // nobody's.
    void read(std::uint16_t port, std::span<std::byte> data) const;
    void write(std::uint16_t port, std::span<const std::byte> data) const;

private:
    struct Range {
        std::uint32_t first;
        std::uint32_t end;
        PortDevice* device;
    };
    const Range* find(std::uint16_t port, std::size_t bytes) const;
    std::vector<Range> ranges_;
};

} // namespace segue::vmm

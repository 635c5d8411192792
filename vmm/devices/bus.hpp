// SPDX-License-Identifier: Apache-2.0
// bus.hpp - which device answers at which I/O port or guest-physical address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

// Something at a range of addresses. Called on vCPU threads, several at once; `at` counts from the
// range's first, and at + data.size() stays inside it.
template <class Address>
class BusDevice {
public:
    virtual ~BusDevice() = default;
    BusDevice(const BusDevice&) = delete;
    BusDevice& operator=(const BusDevice&) = delete;

    virtual void read(Address at, std::span<std::byte> data) = 0;
    virtual void write(Address at, std::span<const std::byte> data) = 0;

protected:
    BusDevice() = default;
};

using PortDevice = BusDevice<std::uint16_t>;
using MmioDevice = BusDevice<std::uint64_t>;

// Devices outlive it. No lock is held while one is called, so it may attach and detach. [any]
template <class Address>
class Bus {
public:
    // EXISTS where an address is taken.
    Status attach(Address first, std::uint64_t count, BusDevice<Address>& device);
    // The range that begins there; an access that has begun may still be on its way.
    void detach(Address first);

    // As real hardware: what nobody answers reads as ones; an access across a range's end is
    // nobody's.
    void read(Address at, std::span<std::byte> data) const;
    void write(Address at, std::span<const std::byte> data) const;

private:
    struct Range {
        std::uint64_t first;
        std::uint64_t end;
        BusDevice<Address>* device;
    };
    Range find(std::uint64_t at, std::size_t bytes) const; // no device: nobody
    mutable std::shared_mutex mutex_;
    std::vector<Range> ranges_;
};

using PortBus = Bus<std::uint16_t>;
using MmioBus = Bus<std::uint64_t>;

// What a vCPU can reach besides RAM.
struct Buses {
    PortBus ports;
    MmioBus mmio;
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// bars.hpp - a function's memory, where its base address registers say.
#pragma once

#include <array>
#include <optional>

#include "vmm/devices/bus.hpp"
#include "vmm/pci/config_space.hpp"

namespace segue::vmm::pci {

// PCI Local Bus Specification 3.0, section 6.2.5.1: the bits below a region's size are not
// writable, by which a guest finds the size. A region is reachable while the command register has
// memory space enabled and its BAR points into one of the windows of layout.hpp, at what no other
// device has: nothing that a guest writes hides RAM or another device. Not thread-safe.
class Bars {
public:
    static constexpr unsigned kCount = 6;

    Bars(ConfigSpace& config, MmioBus& bus)
        : config_(config)
        , bus_(bus) {}

    // `bytes`: a power of two, at least 16. `wide`: 64-bit, takes the next BAR, too.
    void add(unsigned bar, std::uint64_t bytes, bool wide, MmioDevice& region);
    // What firmware would do at power-on.
    void place(unsigned bar, std::uint64_t address);
    // Where it is mapped now.
    std::optional<std::uint64_t> mapped(unsigned bar) const { return bars_[bar].at; }
    // Does what the registers say; true where a region has come, gone or moved.
    bool update();
    void unmap();

private:
    struct Bar {
        std::uint64_t bytes = 0; // 0: none
        bool wide = false;
        MmioDevice* region = nullptr;
        std::optional<std::uint64_t> at;
    };
    std::uint64_t address(unsigned bar) const;
    std::optional<std::uint64_t> wanted(unsigned bar) const;

    ConfigSpace& config_;
    MmioBus& bus_;
    std::array<Bar, kCount> bars_;
};

} // namespace segue::vmm::pci

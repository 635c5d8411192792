// SPDX-License-Identifier: Apache-2.0
// function.hpp - what answers in the configuration space of one slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace segue::vmm::pci {

// PCI Local Bus Specification 3.0, section 6.1. Called on vCPU threads, several at once; `offset`
// + data.size() is at most 4096, and data has 1, 2 or 4 bytes.
class Function {
public:
    virtual ~Function() = default;
    Function(const Function&) = delete;
    Function& operator=(const Function&) = delete;

    virtual void read_config(std::uint16_t offset, std::span<std::byte> data) = 0;
    virtual void write_config(std::uint16_t offset, std::span<const std::byte> data) = 0;

protected:
    Function() = default;
};

} // namespace segue::vmm::pci

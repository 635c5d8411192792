// SPDX-License-Identifier: Apache-2.0
// root.hpp - PCI bus 0: its slots, its host bridge, and the two ways to their registers.
#pragma once

#include <array>
#include <atomic>

#include "vmm/devices/bus.hpp"
#include "vmm/devices/device.hpp"
#include "vmm/pci/config_space.hpp"
#include "vmm/pci/function.hpp"

namespace segue::vmm::pci {

// 32 slots of one function each; in slot 0 the host bridge. Filled before the vCPUs run; functions
// outlive their last access. Its state is the configuration address register. [any]
class Root final : public Device {
public:
    static constexpr unsigned kSlots = 32;

    Root();
    // `port_cf9` also gets what is written to the port inside the configuration address register,
    // which on a PC resets the machine.
    Status attach_to(Buses& buses, PortDevice& port_cf9);
    // EXISTS where the slot is taken.
    Status plug(unsigned slot, Function& function);

    DeviceId id() const override { return {"pci", "root", 1}; }
    void save(state::Writer& section) const override;
    Status load(const state::Section& section) override;
    void reset() noexcept override;

private:
    // Registers, memory-mapped (PCI Express 5.0, section 7.2.2).
    class Ecam final : public MmioDevice {
    public:
        explicit Ecam(Root& root)
            : root_(root) {}
        void read(std::uint64_t at, std::span<std::byte> data) override;
        void write(std::uint64_t at, std::span<const std::byte> data) override;

    private:
        Root& root_;
    };
    // Address at 0xcf8, data at 0xcfc (PCI 3.0, section 3.2.2.3.2).
    class Ports final : public PortDevice {
    public:
        explicit Ports(Root& root)
            : root_(root) {}
        void read(std::uint16_t port, std::span<std::byte> data) override;
        void write(std::uint16_t port, std::span<const std::byte> data) override;

    private:
        Root& root_;
    };
    class HostBridge final : public Function {
    public:
        HostBridge();
        void read_config(std::uint16_t offset, std::span<std::byte> data) override;
        void write_config(std::uint16_t, std::span<const std::byte>) override {} // all read-only

    private:
        ConfigSpace config_;
    };

    // nullptr where no function is: bits 19-15 of `at` are the slot, 14-12 the function number.
    Function* at(std::uint64_t at) const;

    std::array<Function*, kSlots> slots_ = {};
    HostBridge bridge_;
    Ecam ecam_;
    Ports ports_;
    PortDevice* port_cf9_ = nullptr;
    std::atomic<std::uint32_t> address_ = 0;
};

} // namespace segue::vmm::pci

// SPDX-License-Identifier: Apache-2.0
// host.hpp - what PCI functions need of the machine; KVM's is in vmm/machine.
#pragma once

#include <cstdint>
#include <memory>

#include <segue/cpp/result.hpp>

#include "vmm/devices/bus.hpp"

namespace segue::vmm::pci {

// A memory write that is an interrupt (PCI 3.0, section 6.8).
struct MsiMessage {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    bool operator==(const MsiMessage&) const = default;
};

// One vector's way to the guest's interrupt controllers. [any, one at a time]
class MsiLine {
public:
    virtual ~MsiLine() = default;
    MsiLine(const MsiLine&) = delete;
    MsiLine& operator=(const MsiLine&) = delete;

    // Where raise() leads, from the host's next commit_routes() on.
    virtual void route(const MsiMessage& message) noexcept = 0;
    virtual void raise() noexcept = 0;
    // Signalled by whoever has it, it is raise(). Lives as long as the line.
    virtual int event() const noexcept = 0;

protected:
    MsiLine() = default;
};

// [any]
class Host {
public:
    virtual ~Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    virtual MmioBus& mmio() = 0;
    virtual Result<std::unique_ptr<MsiLine>> new_msi_line() = 0;
    virtual void commit_routes() noexcept = 0;
    // The wire of `slot`'s INTA#, which other slots may share.
    virtual void set_intx(unsigned slot, bool level) noexcept = 0;
    // A guest's write of two bytes at `address` signals `event` and leaves no vCPU.
    virtual Status add_doorbell(std::uint64_t address, int event) = 0;
    virtual void remove_doorbell(std::uint64_t address, int event) noexcept = 0;

protected:
    Host() = default;
};

// The global system interrupt of a slot's INTA#; also what its interrupt line register says.
constexpr std::uint32_t intx_gsi(unsigned slot) {
    return 16 + slot % 8;
}

} // namespace segue::vmm::pci

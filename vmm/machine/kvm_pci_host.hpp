// SPDX-License-Identifier: Apache-2.0
// kvm_pci_host.hpp - what PCI functions need, by KVM.
#pragma once

#include <array>
#include <mutex>

#include "vmm/kvm/irq_routes.hpp"
#include "vmm/pci/host.hpp"

namespace segue::vmm {

// An MSI line is an event descriptor of this generation's own, which KVM turns into the message
// that its route says. `vm` and `bus` outlive it. [any]
class KvmPciHost final : public pci::Host {
public:
    KvmPciHost(Vm& vm, MmioBus& bus)
        : vm_(vm)
        , bus_(bus)
        , routes_(vm) {}

    MmioBus& mmio() override { return bus_; }
    Result<std::unique_ptr<pci::MsiLine>> new_msi_line() override;
    void commit_routes() noexcept override;
    void set_intx(unsigned slot, bool level) noexcept override;
    Status add_doorbell(std::uint64_t address, int event) override;
    void remove_doorbell(std::uint64_t address, int event) noexcept override;

private:
    Vm& vm_;
    MmioBus& bus_;
    IrqRoutes routes_;
    std::mutex mutex_;
    std::uint32_t intx_ = 0; // the slots that pull their wires
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// kvm_irq_line.hpp - a wire into the in-kernel interrupt chips.
#pragma once

#include "vmm/devices/irq_line.hpp"
#include "vmm/kvm/vm.hpp"

namespace segue::vmm {

class KvmIrqLine final : public IrqLine {
public:
    KvmIrqLine(Vm& vm, std::uint32_t gsi)
        : vm_(vm)
        , gsi_(gsi) {}

    // KVM_IRQ_LINE fails only without interrupt chips.
    void set(bool level) noexcept override { (void)vm_.set_irq(gsi_, level); }

private:
    Vm& vm_;
    std::uint32_t gsi_;
};

} // namespace segue::vmm

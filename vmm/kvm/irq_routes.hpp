// SPDX-License-Identifier: Apache-2.0
// irq_routes.hpp - which global system interrupt leads where: the one owner of KVM's routing table.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include <segue/cpp/result.hpp>

#include "vmm/kvm/vm.hpp"

namespace segue::vmm {

// GSIs 0 to 23 lead to the interrupt chips' pins, as KVM sets them up itself; those above are
// messages of PCI functions. [any]
class IrqRoutes {
public:
    static constexpr std::uint32_t kPins = 24; // of the IOAPIC

    explicit IrqRoutes(const Vm& vm);

    // A GSI that leads nowhere yet.
    Result<std::uint32_t> new_gsi();
    // From the next commit() on.
    void set(std::uint32_t gsi, std::uint64_t address, std::uint32_t data);
    // One call for all that has changed, because each takes a grace period; none where nothing has.
    Status commit();

private:
    const Vm& vm_;
    std::mutex mutex_;
    std::vector<kvm_irq_routing_entry> pins_;
    std::vector<kvm_irq_routing_entry> messages_; // by GSI, from kPins on; address 0: nowhere
    std::vector<std::byte> table_;                // room for KVM_SET_GSI_ROUTING's argument
    bool changed_ = false;
};

} // namespace segue::vmm

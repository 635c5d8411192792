// SPDX-License-Identifier: Apache-2.0
// Source: Linux, arch/x86/kvm/irq.c, default_routing.
#include "vmm/kvm/irq_routes.hpp"

#include <algorithm>
#include <cstring>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::uint32_t kPicPins = 16;                                   // of both
constexpr std::size_t kMaxMessages = 4096 - IrqRoutes::kPins - kPicPins; // KVM_MAX_IRQ_ROUTES

kvm_irq_routing_entry pin(std::uint32_t gsi, std::uint32_t chip, std::uint32_t number) {
    kvm_irq_routing_entry e = {};
    e.gsi = gsi;
    e.type = KVM_IRQ_ROUTING_IRQCHIP;
    e.u.irqchip.irqchip = chip;
    e.u.irqchip.pin = number;
    return e;
}

} // namespace

IrqRoutes::IrqRoutes(const Vm& vm)
    : vm_(vm) {
    for (std::uint32_t gsi = 0; gsi < kPins; ++gsi) {
        pins_.push_back(pin(gsi, KVM_IRQCHIP_IOAPIC, gsi));
        if (gsi < kPicPins)
            pins_.push_back(
                pin(gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8));
    }
}

Result<std::uint32_t> IrqRoutes::new_gsi() {
    const std::lock_guard lock(mutex_);
    if (messages_.size() == kMaxMessages)
        return Error(Code::Unsupported, "KVM has no more than 4096 interrupt routes")
            .way_out("remove a device");
    kvm_irq_routing_entry e = {};
    e.gsi = kPins + static_cast<std::uint32_t>(messages_.size());
    e.type = KVM_IRQ_ROUTING_MSI;
    messages_.push_back(e);
    table_.resize(sizeof(kvm_irq_routing) +
                  (pins_.size() + messages_.size()) * sizeof(kvm_irq_routing_entry));
    return e.gsi;
}

void IrqRoutes::set(std::uint32_t gsi, std::uint64_t address, std::uint32_t data) {
    const std::lock_guard lock(mutex_);
    auto& msi = messages_[gsi - kPins].u.msi;
    // One message that KVM refuses (with 32-bit APIC ids the low byte must be 0) would keep all
    // others from being set: it leads nowhere.
    const bool refused = (address >> 32 & 0xff) != 0;
    msi.address_lo = refused ? 0 : static_cast<std::uint32_t>(address);
    msi.address_hi = static_cast<std::uint32_t>(address >> 32);
    msi.data = data;
    changed_ = true;
}

Status IrqRoutes::commit() {
    const std::lock_guard lock(mutex_);
    if (!changed_)
        return {};
    auto* routing = reinterpret_cast<kvm_irq_routing*>(table_.data());
    auto* next = std::copy(pins_.begin(), pins_.end(), routing->entries);
    next = std::copy_if(messages_.begin(), messages_.end(), next,
                        [](const kvm_irq_routing_entry& e) { return e.u.msi.address_lo != 0; });
    routing->nr = static_cast<std::uint32_t>(next - routing->entries);
    if (auto r = sys::ioctl(vm_.fd(), KVM_SET_GSI_ROUTING, routing, "KVM_SET_GSI_ROUTING"); !r)
        return std::move(r).error();
    changed_ = false;
    return {};
}

} // namespace segue::vmm

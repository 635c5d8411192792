// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/kvm_pci_host.hpp"

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint32_t kDoorbellBytes = 2;

class KvmMsiLine final : public pci::MsiLine {
public:
    KvmMsiLine(IrqRoutes& routes, UniqueFd event, std::uint32_t gsi)
        : routes_(routes)
        , event_(std::move(event))
        , gsi_(gsi) {}

    void route(const pci::MsiMessage& message) noexcept override {
        routes_.set(gsi_, message.address, message.data);
    }
    void raise() noexcept override { sys::signal_event(event_.get()); }
    int event() const noexcept override { return event_.get(); }

private:
    IrqRoutes& routes_;
    UniqueFd event_; // closed, it is KVM's no more
    std::uint32_t gsi_;
};

// Slots whose wires lead to the same pin as that of `slot`.
std::uint32_t same_pin(unsigned slot) {
    return 0x01010101u << slot % 8;
}

IoEvent doorbell(std::uint64_t address, int event) {
    IoEvent io;
    io.event = event;
    io.address = address;
    io.length = kDoorbellBytes;
    return io;
}

} // namespace

Result<std::unique_ptr<pci::MsiLine>> KvmPciHost::new_msi_line() {
    SEGUE_ASSIGN(UniqueFd event, sys::event());
    SEGUE_ASSIGN(const std::uint32_t gsi, routes_.new_gsi());
    SEGUE_TRY(vm_.add_irqfd(event.get(), gsi));
    return std::unique_ptr<pci::MsiLine>(new KvmMsiLine(routes_, std::move(event), gsi));
}

// KVM refuses a message that no interrupt has, such as one with high address bits outside X2APIC:
// the guest does not get what it asked for.
void KvmPciHost::commit_routes() noexcept {
    if (const Status s = routes_.commit(); !s)
        log::warn("the guest's interrupt routes: " + s.error().what());
}

void KvmPciHost::set_intx(unsigned slot, bool level) noexcept {
    const std::lock_guard lock(mutex_);
    intx_ = level ? intx_ | 1u << slot : intx_ & ~(1u << slot);
    (void)vm_.set_irq(pci::intx_gsi(slot), (intx_ & same_pin(slot)) != 0).ok();
}

Status KvmPciHost::add_doorbell(std::uint64_t address, int event) {
    return vm_.add_ioevent(doorbell(address, event));
}

void KvmPciHost::remove_doorbell(std::uint64_t address, int event) noexcept {
    (void)vm_.remove_ioevent(doorbell(address, event)).ok();
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/kvm_pci_host.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include <segue/cpp/sys.hpp>

#include "vmm/kvm/vcpu.hpp"

namespace segue::vmm {
namespace {

class KvmPciHostTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(vm.create_irqchip().ok());
        vcpu = Vcpu::create(kvm, vm, 0).value();
        kvm_lapic_state apic = lapic();
        const std::uint32_t on = 0x1ff;
        std::memcpy(apic.regs + 0xf0, &on, 4);
        ASSERT_TRUE(sys::ioctl(vcpu->fd(), KVM_SET_LAPIC, &apic, "SET_LAPIC").ok());
    }
    kvm_lapic_state lapic() {
        kvm_lapic_state apic = {};
        EXPECT_TRUE(sys::ioctl(vcpu->fd(), KVM_GET_LAPIC, &apic, "GET_LAPIC").ok());
        return apic;
    }
    bool requested(unsigned vector) {
        const kvm_lapic_state apic = lapic();
        std::uint32_t word = 0;
        std::memcpy(&word, apic.regs + 0x200 + vector / 32 * 0x10, 4);
        return (word >> vector % 32 & 1) != 0;
    }
    bool wire(std::uint32_t gsi) {
        kvm_irqchip chip = {};
        chip.chip_id = KVM_IRQCHIP_IOAPIC;
        EXPECT_TRUE(sys::ioctl(vm.fd(), KVM_GET_IRQCHIP, &chip, "GET_IRQCHIP").ok());
        return (chip.chip.ioapic.irr >> gsi & 1) != 0;
    }
    Kvm kvm = Kvm::open().value();
    Vm vm = Vm::create(kvm).value();
    std::optional<Vcpu> vcpu;
    MmioBus bus;
    KvmPciHost host{vm, bus};
};

TEST_F(KvmPciHostTest, AMessageReachesTheProcessor) {
    auto one = host.new_msi_line().value(), two = host.new_msi_line().value();
    one->route({0xfee00000, 0x45});
    two->route({0xfee00000, 0x46});
    host.commit_routes();
    two->raise();
    EXPECT_TRUE(requested(0x46));
    EXPECT_FALSE(requested(0x45));
}

TEST_F(KvmPciHostTest, SlotsShareAWire) {
    host.set_intx(1, true);
    EXPECT_TRUE(wire(17));
    host.set_intx(9, true);
    host.set_intx(1, false);
    EXPECT_TRUE(wire(17));
    EXPECT_FALSE(wire(18));
    host.set_intx(9, false);
    EXPECT_FALSE(wire(17));
}

TEST_F(KvmPciHostTest, ADoorbellIsOnceAtAPlace) {
    const UniqueFd event = sys::event().value();
    EXPECT_TRUE(host.add_doorbell(0xc0003000, event.get()).ok());
    EXPECT_TRUE(host.add_doorbell(0xc0003004, event.get()).ok());
    EXPECT_FALSE(host.add_doorbell(0xc0003000, event.get()).ok());
    host.remove_doorbell(0xc0003000, event.get());
    EXPECT_TRUE(host.add_doorbell(0xc0003000, event.get()).ok());
}

} // namespace
} // namespace segue::vmm

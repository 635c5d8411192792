// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/irq_routes.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <segue/cpp/sys.hpp>

#include "vmm/kvm/vcpu.hpp"

namespace segue::vmm {
namespace {

constexpr std::uint64_t kToCpu0 = 0xfee00000;

class IrqRoutesTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(vm.create_irqchip().ok());
        vcpu = Vcpu::create(kvm, vm, 0).value();
        kvm_lapic_state apic = {};
        ASSERT_TRUE(sys::ioctl(vcpu->fd(), KVM_GET_LAPIC, &apic, "GET_LAPIC").ok());
        const std::uint32_t on = 0x1ff;
        std::memcpy(apic.regs + 0xf0, &on, 4);
        ASSERT_TRUE(sys::ioctl(vcpu->fd(), KVM_SET_LAPIC, &apic, "SET_LAPIC").ok());
    }
    bool requested(unsigned vector) {
        kvm_lapic_state apic = {};
        EXPECT_TRUE(sys::ioctl(vcpu->fd(), KVM_GET_LAPIC, &apic, "GET_LAPIC").ok());
        std::uint32_t word = 0;
        std::memcpy(&word, apic.regs + 0x200 + vector / 32 * 0x10ull, 4);
        return (word >> vector % 32 & 1) != 0;
    }
    UniqueFd line(std::uint32_t gsi) {
        UniqueFd event = sys::event().value();
        EXPECT_TRUE(vm.add_irqfd(event.get(), gsi).ok());
        return event;
    }
    Kvm kvm = Kvm::open().value();
    Vm vm = Vm::create(kvm).value();
    std::optional<Vcpu> vcpu;
    IrqRoutes routes{vm};
};

TEST_F(IrqRoutesTest, AMessageReachesItsVectorOnceItIsCommitted) {
    const std::uint32_t gsi = routes.new_gsi().value();
    EXPECT_EQ(gsi, IrqRoutes::kPins);
    const UniqueFd event = line(gsi); // before there is a route
    routes.set(gsi, kToCpu0, 0x45);
    ASSERT_TRUE(routes.commit().ok());
    EXPECT_FALSE(requested(0x45));
    sys::signal_event(event.get());
    EXPECT_TRUE(requested(0x45));
    routes.set(gsi, kToCpu0, 0x46);
    ASSERT_TRUE(routes.commit().ok());
    sys::signal_event(event.get());
    EXPECT_TRUE(requested(0x46));
}

TEST_F(IrqRoutesTest, ThePinsStayAsTheyWere) {
    routes.set(routes.new_gsi().value(), kToCpu0, 0x45);
    ASSERT_TRUE(routes.commit().ok());
    for (const std::uint32_t pin : {4u, 10u, 18u})
        ASSERT_TRUE(vm.set_irq(pin, true).ok());
    kvm_irqchip chip = {};
    chip.chip_id = KVM_IRQCHIP_IOAPIC;
    ASSERT_TRUE(sys::ioctl(vm.fd(), KVM_GET_IRQCHIP, &chip, "GET_IRQCHIP").ok());
    EXPECT_EQ(chip.chip.ioapic.irr, 1u << 4 | 1u << 10 | 1u << 18);
    chip.chip_id = KVM_IRQCHIP_PIC_MASTER;
    ASSERT_TRUE(sys::ioctl(vm.fd(), KVM_GET_IRQCHIP, &chip, "GET_IRQCHIP").ok());
    EXPECT_EQ(chip.chip.pic.irr & 1u << 4, 1u << 4);
    chip.chip_id = KVM_IRQCHIP_PIC_SLAVE;
    ASSERT_TRUE(sys::ioctl(vm.fd(), KVM_GET_IRQCHIP, &chip, "GET_IRQCHIP").ok());
    EXPECT_EQ(chip.chip.pic.irr, 1u << 2);
}

TEST_F(IrqRoutesTest, AMessageThatKvmRefusesSpoilsNoOther) {
    const std::uint32_t bad = routes.new_gsi().value(), good = routes.new_gsi().value();
    const UniqueFd event = line(good);
    routes.set(bad, 0xff'fee00000, 0x44);
    routes.set(good, kToCpu0, 0x45);
    ASSERT_TRUE(vm.enable({KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS}).ok());
    EXPECT_TRUE(routes.commit().ok());
    sys::signal_event(event.get());
    EXPECT_TRUE(requested(0x45));
}

TEST_F(IrqRoutesTest, ThereAreOnlySoMany) {
    Result<std::uint32_t> last = 0u;
    int n = 0;
    while (last && n < 5000) {
        last = routes.new_gsi();
        n += last.ok() ? 1 : 0;
        if (last)
            routes.set(*last, kToCpu0, 0x45);
    }
    EXPECT_EQ(n, 4096 - 24 - 16);
    EXPECT_EQ(last.code(), Code::Unsupported);
    EXPECT_TRUE(routes.commit().ok());
}

} // namespace
} // namespace segue::vmm

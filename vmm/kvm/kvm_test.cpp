// SPDX-License-Identifier: Apache-2.0
// The wrappers on the real /dev/kvm.
#include "vmm/kvm/kvm.hpp"

#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "vmm/kvm/vcpu.hpp"
#include "vmm/kvm/vm.hpp"

namespace segue::vmm {
namespace {

template <class T>
T must(Result<T> r) {
    if (!r)
        throw std::runtime_error(r.error().what());
    return std::move(r).value();
}

TEST(Kvm, SaysWhatTheHostCanDo) {
    const Kvm kvm = must(Kvm::open());
    EXPECT_GT(kvm.check(KVM_CAP_MAX_VCPUS), 0);
    EXPECT_GE(kvm.run_bytes(), sizeof(kvm_run));
    EXPECT_GT(must(kvm.supported_cpuid()).size(), 10u);
    EXPECT_GT(must(kvm.msr_indices()).size(), 10u);
}

TEST(Kvm, GuestWritesReachAnEventAndExitNowComesBack) {
    const Kvm kvm = must(Kvm::open());
    Vm vm = must(Vm::create(kvm));
    ASSERT_TRUE(vm.create_irqchip());
    ASSERT_TRUE(vm.create_pit());
    Mapping ram = must(Mapping::make(0x2000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                                     0, "guest RAM"));
    // Real mode at 0x1000: out %al,$0x10 (an eventfd); out %al,$0x11 (an exit); hlt.
    const unsigned char code[] = {0xe6, 0x10, 0xe6, 0x11, 0xf4};
    std::copy(std::begin(code), std::end(code),
              reinterpret_cast<unsigned char*>(ram.data()) + 0x1000);
    ASSERT_TRUE(vm.set_memory({0, 0, 0, ram.size(), ram.data()}));
    const UniqueFd event = must(sys::event());
    IoEvent io;
    io.event = event.get();
    io.address = 0x10;
    io.length = 1;
    io.pio = true;
    ASSERT_TRUE(vm.add_ioevent(io));

    Vcpu vcpu = must(Vcpu::create(kvm, vm, 0));
    ASSERT_TRUE(vcpu.set_cpuid(must(kvm.supported_cpuid())));
    kvm_sregs sregs = {};
    must(sys::ioctl(vcpu.fd(), KVM_GET_SREGS, &sregs, "KVM_GET_SREGS"));
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    must(sys::ioctl(vcpu.fd(), KVM_SET_SREGS, &sregs, "KVM_SET_SREGS"));
    kvm_regs regs = {};
    regs.rip = 0x1000;
    regs.rflags = 2;
    must(sys::ioctl(vcpu.fd(), KVM_SET_REGS, &regs, "KVM_SET_REGS"));

    ASSERT_EQ(must(vcpu.run()), Ran::Exit);
    EXPECT_EQ(vcpu.shared().exit_reason, static_cast<unsigned>(KVM_EXIT_IO));
    EXPECT_EQ(vcpu.shared().io.port, 0x11);
    std::uint64_t count = 0;
    ASSERT_EQ(::read(event.get(), &count, sizeof count), 8);
    EXPECT_EQ(count, 1u);

    vcpu.exit_now(); // completes the OUT, but runs nothing
    EXPECT_EQ(must(vcpu.run()), Ran::Interrupted);
    must(sys::ioctl(vcpu.fd(), KVM_GET_REGS, &regs, "KVM_GET_REGS"));
    EXPECT_EQ(regs.rip, 0x1004u);
    EXPECT_TRUE(vm.remove_ioevent(io));
}

TEST(Kvm, IrqfdsComeAndGo) {
    const Kvm kvm = must(Kvm::open());
    Vm vm = must(Vm::create(kvm));
    ASSERT_TRUE(vm.create_irqchip());
    const UniqueFd event = must(sys::event());
    ASSERT_TRUE(vm.add_irqfd(event.get(), 4));
    EXPECT_FALSE(vm.add_irqfd(event.get(), 4)); // EBUSY: one irqfd an eventfd
    EXPECT_TRUE(vm.remove_irqfd(event.get(), 4));
    EXPECT_TRUE(vm.set_irq(4, true));
    EXPECT_TRUE(vm.set_irq(4, false));
}

} // namespace
} // namespace segue::vmm

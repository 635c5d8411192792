// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/vm_io.hpp"

#include <time.h>

#include <cstdlib>

#include <segue/cpp/sys.hpp>

#include "vmm/kvm/other_host.hpp"

namespace segue::vmm {

namespace {

std::int64_t now_ns(clockid_t clock) {
    timespec t = {};
    ::clock_gettime(clock, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

template <class Arg>
Status call(const Vm& vm, unsigned long request, Arg arg, const char* what) {
    const int r = sys::ioctl_once(vm.fd(), request, arg);
    if (r < 0)
        return Error::from_errno(-r, what);
    return {};
}

Status read_chip(const Vm& vm, std::uint32_t id, kvm_irqchip& chip) {
    chip.chip_id = id;
    return call(vm, KVM_GET_IRQCHIP, &chip, "KVM_GET_IRQCHIP");
}

Status write_chip(const Vm& vm, std::uint32_t id, kvm_irqchip chip) {
    chip.chip_id = id;
    return call(vm, KVM_SET_IRQCHIP, &chip, "KVM_SET_IRQCHIP");
}

} // namespace

Result<VmState> blank_vm_state(const Vm& vm) {
    VmState state;
    state.boot_id = this_boot();
    if (state.boot_id.empty())
        return Error(Code::NotFound, "read /proc/sys/kernel/random/boot_id").way_out("mount /proc");
    state.capabilities = vm.enabled();
    return state;
}

Status read_chips(const Vm& vm, VmState& state) {
    SEGUE_TRY(call(vm, KVM_GET_PIT2, &state.pit, "KVM_GET_PIT2"));
    SEGUE_TRY(read_chip(vm, KVM_IRQCHIP_IOAPIC, state.ioapic));
    SEGUE_TRY(read_chip(vm, KVM_IRQCHIP_PIC_MASTER, state.pic_master));
    return read_chip(vm, KVM_IRQCHIP_PIC_SLAVE, state.pic_slave);
}

Status read_clock(const Vm& vm, VmState& state) {
    SEGUE_TRY(call(vm, KVM_GET_CLOCK, &state.clock, "KVM_GET_CLOCK"));
    state.boottime_ns = now_ns(CLOCK_BOOTTIME);
    state.realtime_ns = now_ns(CLOCK_REALTIME);
    return {};
}

Status check_fit(const Vm& vm, const VmState& state) {
    return same_capabilities(state.capabilities, vm.enabled());
}

kvm_clock_data advanced(const VmState& state, std::int64_t boottime_ns, std::int64_t realtime_ns) {
    kvm_clock_data clock = {};
    clock.clock = state.clock.clock;
    const std::int64_t passed = boottime_ns - state.boottime_ns;
    const std::int64_t step = realtime_ns - state.realtime_ns - passed;
    // NTP slews by at most 500 ppm; more than twice that is a step.
    const std::int64_t slack = 1'000'000 + passed / 1000;
    if ((state.clock.flags & KVM_CLOCK_REALTIME) != 0 && std::llabs(step) <= slack) {
        clock.realtime = state.clock.realtime;
        clock.flags = KVM_CLOCK_REALTIME;
    } else {
        clock.clock += static_cast<std::uint64_t>(passed);
    }
    return clock;
}

Status write_vm(const Vm& vm, const VmState& state) {
    SEGUE_TRY(write_chip(vm, KVM_IRQCHIP_IOAPIC, state.ioapic));
    SEGUE_TRY(write_chip(vm, KVM_IRQCHIP_PIC_MASTER, state.pic_master));
    SEGUE_TRY(write_chip(vm, KVM_IRQCHIP_PIC_SLAVE, state.pic_slave));
    SEGUE_TRY(call(vm, KVM_SET_PIT2, &state.pit, "KVM_SET_PIT2"));
    const kvm_clock_data clock = advanced(state, now_ns(CLOCK_BOOTTIME), now_ns(CLOCK_REALTIME));
    return call(vm, KVM_SET_CLOCK, &clock, "KVM_SET_CLOCK");
}

} // namespace segue::vmm

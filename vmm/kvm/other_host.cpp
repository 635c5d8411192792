// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/other_host.hpp"

#include <time.h>
#include <x86intrin.h>

#include <algorithm>
#include <fstream>

namespace segue::vmm {

namespace {

constexpr std::uint32_t kNeeded = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;

std::int64_t now_ns(clockid_t clock) {
    timespec t = {};
    ::clock_gettime(clock, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

// Without the product of both, which has more than 64 bits after an hour.
std::uint64_t cycles(std::int64_t ns, std::uint32_t khz) {
    constexpr std::int64_t ms = 1'000'000; // ns
    return static_cast<std::uint64_t>(ns / ms) * khz +
           static_cast<std::uint64_t>(ns % ms) * khz / static_cast<std::uint64_t>(ms);
}

Status check_moment(const VmState& state) {
    if ((state.clock.flags & kNeeded) == kNeeded)
        return {};
    return Error(Code::Refused,
                 "the state is of another boot of this host, or of another host, and "
                 "KVM there did not say how its clock and its TSC go together")
        .way_out(
            "update on the host and in the boot where the guest runs, or use a host whose clock "
            "source is the TSC")
        .with("boot_id", state.boot_id);
}

} // namespace

std::string this_boot() {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return id;
}

// The best of a few: an interrupt in between makes the bracket wide.
HostMoment host_moment() {
    HostMoment best;
    std::uint64_t narrowest = ~0ull;
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t before = __rdtsc();
        const std::int64_t realtime = now_ns(CLOCK_REALTIME);
        const std::uint64_t width = __rdtsc() - before;
        if (width >= narrowest)
            continue;
        narrowest = width;
        best = {realtime, before + width / 2};
    }
    return best;
}

Status carry_over(KvmState& state, const std::string& boot, const HostMoment& now) {
    VmState& vm = state.vm;
    if (vm.boot_id == boot)
        return {};
    SEGUE_TRY(check_moment(vm));
    // Where the wall clock there is ahead of ours the guest stands still in its own time.
    const std::int64_t passed =
        std::max<std::int64_t>(now.realtime_ns - static_cast<std::int64_t>(vm.clock.realtime), 0);
    for (VcpuState& vcpu : state.vcpus)
        vcpu.tsc_offset += vm.clock.host_tsc - now.tsc + cycles(passed, vcpu.tsc_khz);
    vm.clock.clock += static_cast<std::uint64_t>(passed);
    vm.clock.realtime = static_cast<std::uint64_t>(now.realtime_ns);
    vm.clock.host_tsc = now.tsc;
    vm.boottime_ns = now_ns(CLOCK_BOOTTIME);
    vm.realtime_ns = now_ns(CLOCK_REALTIME);
    vm.boot_id = boot;
    return {};
}

} // namespace segue::vmm

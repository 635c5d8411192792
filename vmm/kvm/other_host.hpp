// SPDX-License-Identifier: Apache-2.0
// other_host.hpp - a state that was read on another host, or in another boot of this one, whose
// clocks count from elsewhere.
#pragma once

#include <segue/cpp/result.hpp>

#include "vmm/kvm/machine_io.hpp"

namespace segue::vmm {

// One moment, by both clocks that a state can be carried over with. TSC: cycles of this host's.
struct HostMoment {
    std::int64_t realtime_ns = 0;
    std::uint64_t tsc = 0;
};

// Now; the two are read within a microsecond of each other where nothing comes between.
HostMoment host_moment();
std::string this_boot();

// Its clocks as if it had been read here: what the guest reads of TSC and kvmclock goes on by the
// wall-clock time that passed (Documentation/virt/kvm/devices/vcpu.rst). Both hosts' wall clocks
// must be right: by how much they differ, the guest's clocks jump. Nothing is done to a state of
// this boot. REFUSED where KVM did not say of which moment they are (its master clock was off).
// [pause]
Status carry_over(KvmState& state, const std::string& boot, const HostMoment& now);

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// vcpu.hpp - one KVM vCPU: its fd, its kvm_run page, and the way in and out of the guest.
#pragma once

#include <cstdint>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "vmm/kvm/kvm.hpp"
#include "vmm/kvm/vm.hpp"

namespace segue::vmm {

// What KVM_RUN came back with.
enum class Ran {
    Exit,        // shared().exit_reason says why; it completes only in the next run()
    Interrupted, // EINTR: a signal or exit_now(); no exit is half done
};

// KVM wants each vCPU's calls on one thread, its own: the first caller of run(). Only exit_now()
// and allow_run() may come from others.
class Vcpu {
public:
    static Result<Vcpu> create(const Kvm& kvm, const Vm& vm, unsigned id);

    int fd() const { return fd_.get(); }
    unsigned id() const { return id_; }
    kvm_run& shared() const { return *reinterpret_cast<kvm_run*>(run_.data()); }

    // Before the first run(); `entries` carry this vCPU's own topology ids (cpuid.hpp).
    Status set_cpuid(const CpuidEntries& entries);
    // As set.
    const CpuidEntries& cpuid() const { return cpuid_; }
    // 0: the host's. REFUSED where the host's differs and cannot be scaled.
    Status set_tsc_khz(std::uint32_t khz);
    Result<Ran> run();

    // From now on run() completes what is pending and comes back with Interrupted. A vCPU inside
    // the guest needs a signal to its thread besides. [any]
    void exit_now() const { set_immediate_exit(1); }
    void allow_run() const { set_immediate_exit(0); }

private:
    void set_immediate_exit(std::uint8_t value) const;
    UniqueFd fd_;
    Mapping run_;
    CpuidEntries cpuid_;
    unsigned id_ = 0;
};

} // namespace segue::vmm

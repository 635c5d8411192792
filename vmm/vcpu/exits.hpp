// SPDX-License-Identifier: Apache-2.0
// exits.hpp - what KVM_RUN came back for.
#pragma once

#include <functional>

#include <segue/cpp/result.hpp>

#include "vmm/devices/bus.hpp"
#include "vmm/devices/guest_events.hpp"
#include "vmm/kvm/vcpu.hpp"

namespace segue::vmm {

// Serves one exit at a time on each vCPU thread. An exit completes only in the next KVM_RUN.
class Exits {
public:
    Exits(const Buses& buses, GuestEvents& events)
        : buses_(buses)
        , events_(events) {}

    // Empties the rings of pages that were written, where there are any: KVM lets no vCPU on whose
    // ring is full. Before the first vCPU runs.
    void when_ring_full(std::function<Status()> empty) { empty_rings_ = std::move(empty); }

    void handle(const Vcpu& vcpu);
    // KVM_RUN itself failed.
    void failed(const Vcpu& vcpu, const Error& error);

private:
    void port_access(kvm_run& run);
    void mmio_access(kvm_run& run);
    void crash(const Vcpu& vcpu, const std::string& why);

    const Buses& buses_;
    GuestEvents& events_;
    std::function<Status()> empty_rings_;
};

} // namespace segue::vmm

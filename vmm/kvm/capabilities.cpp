// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/capabilities.hpp"

#include <algorithm>

#include "vmm/kvm/vm.hpp"

namespace segue::vmm {

namespace {

struct Known {
    std::uint64_t number;
    const char* name;
};

// Needed to read and write a vCPU's state at all.
constexpr Known kRequired[] = {
    {KVM_CAP_SREGS2, "SREGS2"},
    {KVM_CAP_XSAVE2, "XSAVE2"},
    {KVM_CAP_DEBUGREGS, "DEBUGREGS"},
    {KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS"},
    {KVM_CAP_MP_STATE, "MP_STATE"},
    {KVM_CAP_PIT_STATE2, "PIT_STATE2"},
    {KVM_CAP_ADJUST_CLOCK, "ADJUST_CLOCK"},
    {KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT"},
    {KVM_CAP_VCPU_ATTRIBUTES, "VCPU_ATTRIBUTES"},
};

struct Wanted {
    Known known;
    std::uint64_t arg;
};

constexpr Wanted kWanted[] = {
    {{KVM_CAP_EXCEPTION_PAYLOAD, "EXCEPTION_PAYLOAD"}, 1},
    {{KVM_CAP_X86_TRIPLE_FAULT_EVENT, "TRIPLE_FAULT_EVENT"}, 1},
    {{KVM_CAP_X2APIC_API, "X2APIC_API"},
     KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK},
};

const Capability* find(const std::vector<Capability>& in, std::uint64_t number) {
    const auto it =
        std::find_if(in.begin(), in.end(), [&](const Capability& c) { return c.number == number; });
    return it == in.end() ? nullptr : &*it;
}

Error differs(const Capability& one, const char* how) {
    const std::string name = capability_name(one.number);
    return Error(Code::Refused, "the capability " + name + how)
        .way_out("start the new VMM with the capabilities of the manifest")
        .with("capability", name);
}

} // namespace

std::string capability_name(std::uint64_t number) {
    for (const Wanted& w : kWanted)
        if (w.known.number == number)
            return w.known.name;
    return "capability " + std::to_string(number);
}

std::vector<Capability> wanted_capabilities(const Vm& vm) {
    std::vector<Capability> there;
    for (const Wanted& w : kWanted)
        if (vm.check(static_cast<int>(w.known.number)) > 0)
            there.push_back({w.known.number, w.arg});
    return there;
}

Status check_required(const Vm& vm) {
    for (const Known& k : kRequired)
        if (vm.check(static_cast<int>(k.number)) <= 0)
            return Error(Code::Unsupported, std::string("this host's KVM lacks ") + k.name)
                .way_out("use a host with Linux 5.17 or newer")
                .with("capability", k.name);
    return {};
}

Status enable_all(Vm& vm, const std::vector<Capability>& capabilities) {
    for (const Capability& c : capabilities)
        if (auto s = vm.enable(c); !s)
            return s;
    return {};
}

Status same_capabilities(const std::vector<Capability>& saved,
                         const std::vector<Capability>& here) {
    for (const Capability& c : saved) {
        const Capability* other = find(here, c.number);
        if (other == nullptr)
            return differs(c, " is enabled in the saved VM, not in this one");
        if (other->arg != c.arg)
            return differs(c, " has another value in the saved VM than in this one");
    }
    for (const Capability& c : here)
        if (find(saved, c.number) == nullptr)
            return differs(c, " is enabled in this VM, not in the saved one");
    return {};
}

} // namespace segue::vmm

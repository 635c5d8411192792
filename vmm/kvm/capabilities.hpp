// SPDX-License-Identifier: Apache-2.0
// capabilities.hpp - KVM capabilities that change what a VM's state means.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

class Vm;

// One capability as it was enabled. No padding: it is stored as it is.
struct Capability {
    std::uint64_t number = 0; // KVM_CAP_*
    std::uint64_t arg = 0;
    friend bool operator==(const Capability&, const Capability&) = default;
};

// "EXCEPTION_PAYLOAD", or "capability 123".
std::string capability_name(std::uint64_t number);

// What a first boot enables, as far as this host has it. A successor enables what the manifest
// lists instead.
std::vector<Capability> wanted_capabilities(const Vm& vm);

// UNSUPPORTED names the first without which no state can be carried; all are in Linux 5.17.
Status check_required(const Vm& vm);

// Enables them in turn; an error names the one. Before the first vCPU.
Status enable_all(Vm& vm, const std::vector<Capability>& capabilities);

// REFUSED names the first that differs.
Status same_capabilities(const std::vector<Capability>& saved, const std::vector<Capability>& here);

} // namespace segue::vmm

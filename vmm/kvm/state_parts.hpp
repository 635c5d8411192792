// SPDX-License-Identifier: Apache-2.0
// state_parts.hpp - every byte of a KvmState under a name, to compare field by field.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "vmm/kvm/machine_io.hpp"

namespace segue::vmm {

struct Part {
    std::string name; // "vcpu0.regs.rax"
    std::span<std::byte> bytes;
};

// All parts, in an order that depends on the shape of the state only. Bytes of a kernel structure
// that no field names are parts too ("vcpu0.events+0x28"): nothing is left out.
std::vector<Part> parts_of(KvmState& state);

// Parts that go on by themselves, so that two reads may differ; a test checks them otherwise.
bool goes_on(const std::string& part);
// Parts in which a timer that runs out between two reads shows.
bool may_fire(const std::string& part);

} // namespace segue::vmm

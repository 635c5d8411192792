// SPDX-License-Identifier: Apache-2.0
// usable.hpp - why /dev/kvm cannot be used, in one sentence with the way out.
#pragma once

#include <string>

#include <segue/cpp/error.hpp>

namespace segue::vmm {

// What the diagnosis looks at.
struct KvmFacts {
    int open_errno = 0;
    bool module_loaded = false;  // /sys/module/kvm with a vendor module beside it
    bool virtualization = false; // VT-x or SVM among the CPU flags
    bool intel = false;
    bool inside_vm = false; // the hypervisor flag
};

// Reads /proc/cpuinfo and /sys/module.
KvmFacts kvm_facts(int open_errno);

// The detail "cause" is one of node-missing, module-not-loaded, no-permission, no-virtualization,
// nesting-off, other.
Error kvm_unusable(const std::string& node, const KvmFacts& facts);

} // namespace segue::vmm

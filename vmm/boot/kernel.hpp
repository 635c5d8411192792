// SPDX-License-Identifier: Apache-2.0
// kernel.hpp - brings a guest's kernel into its RAM, whatever boot protocol the file speaks.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>

#include "vmm/boot/image.hpp"

namespace segue::vmm {

struct BootFiles {
    std::string kernel;
    std::string initrd; // "": none
    std::string command_line;
};

// Loads kernel and initrd and tells the kernel of RAM, command line, initrd and ACPI tables. Gives
// what the boot vCPU starts with. Nothing is written before all of it has been checked.
// `fresh`: segments and APIC base as KVM gave them. [main, or a reset: vCPUs stopped]
Result<BootVcpu> load_kernel(const BootFiles& files, const GuestRam& ram, const kvm_sregs2& fresh);

} // namespace segue::vmm

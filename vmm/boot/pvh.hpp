// SPDX-License-Identifier: Apache-2.0
// pvh.hpp - the PVH boot protocol: an ELF kernel entered in 32-bit protected mode.
// Source: Xen, docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>

#include "vmm/kvm/uapi.hpp"
#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm {

inline constexpr std::uint64_t kStartInfo = 0x6000; // struct hvm_start_info
inline constexpr std::uint64_t kBootMap = 0x6100;   // memory map, up to kCommandLine
inline constexpr std::uint64_t kCommandLine = 0x7000;
inline constexpr std::uint64_t kBootAreaEnd = 0x8000; // of all three; no segment may lie here
inline constexpr std::size_t kMaxCommandLine = kBootAreaEnd - kCommandLine - 1;

// Loads `kernel` and writes start info, memory map and command line. Gives the entry address.
// Nothing is written before the whole file has been checked. [main, or a reset: vCPUs stopped]
Result<std::uint32_t> load_pvh(const std::string& kernel, const std::string& command_line,
                               const GuestRam& ram);

// What the boot vCPU starts with; `fresh` is what KVM gave it.
kvm_regs pvh_regs(std::uint32_t entry);
kvm_sregs2 pvh_sregs(const kvm_sregs2& fresh);

} // namespace segue::vmm

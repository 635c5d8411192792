// SPDX-License-Identifier: Apache-2.0
// pvh.hpp - the PVH boot protocol: an ELF kernel entered in 32-bit protected mode.
// Source: Xen, docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h.
#pragma once

#include <cstdint>
#include <vector>

#include "vmm/boot/elf.hpp"
#include "vmm/boot/image.hpp"

namespace segue::vmm {

inline constexpr std::uint64_t kStartInfo = kBootArea; // struct hvm_start_info
inline constexpr std::uint64_t kModule = 0x6080;       // struct hvm_modlist_entry, of the initrd
inline constexpr std::uint64_t kBootMap = 0x6100;      // memory map, up to kCommandLine

// Paging off, flat 4 GiB segments, EBX = start info, IF clear.
BootVcpu pvh_vcpu(std::uint32_t entry, const kvm_sregs2& fresh);

class PvhImage final : public KernelImage {
public:
    PvhImage(int fd, std::string name, ElfFile elf, std::uint32_t entry)
        : fd_(fd)
        , name_(std::move(name))
        , elf_(std::move(elf))
        , entry_(entry) {}

    std::size_t max_command_line() const override { return kMaxCommandLine; }
    std::uint64_t end() const override;
    std::uint64_t initrd_limit() const override { return kLowRamEnd; }
    Status load(const GuestRam& ram, const BootInfo& info) const override;
    BootVcpu vcpu(const kvm_sregs2& fresh) const override { return pvh_vcpu(entry_, fresh); }

private:
    int fd_;
    std::string name_;
    ElfFile elf_;
    std::uint32_t entry_;
};

} // namespace segue::vmm

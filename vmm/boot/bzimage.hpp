// SPDX-License-Identifier: Apache-2.0
// bzimage.hpp - Linux's 64-bit boot protocol.
// Source: Linux, Documentation/arch/x86/boot.rst; uapi/asm/bootparam.h.
#pragma once

#include <asm/bootparam.h>

#include <cstdint>
#include <string>

#include "vmm/boot/image.hpp"

namespace segue::vmm {

// What the boot vCPU starts on; Linux has its own soon after.
inline constexpr std::uint64_t kZeroPage = kBootArea; // struct boot_params
inline constexpr std::uint64_t kBootGdt = 0x8000;
inline constexpr std::uint64_t kPageTables = 0x9000;   // 6 pages: 4 GiB, one to one
inline constexpr std::uint64_t kBootStackTop = 0x8ff0; // above the GDT
inline constexpr std::uint64_t kLinuxBootEnd = 0xf000;
inline constexpr std::uint64_t kEntry64 = 0x200; // from the kernel's start

class BzImage final : public KernelImage {
public:
    // `header` as in the file, `code` where the protected-mode code lies in it.
    BzImage(int fd, std::string name, const setup_header& header, GuestRange code)
        : fd_(fd)
        , name_(std::move(name))
        , header_(header)
        , code_(code) {}

    std::size_t max_command_line() const override;
    std::uint64_t end() const override { return header_.pref_address + header_.init_size; }
    std::uint64_t initrd_limit() const override;
    Status load(const GuestRam& ram, const BootInfo& info) const override;
    // Long mode, one-to-one paging, RSI = zero page, IF clear.
    BootVcpu vcpu(const kvm_sregs2& fresh) const override;

private:
    boot_params zero_page(const GuestRam& ram, const BootInfo& info) const;

    int fd_;
    std::string name_;
    setup_header header_;
    GuestRange code_;
};

// GDT and page tables of the boot vCPU.
Status write_long_mode_tables(const GuestRam& ram);

} // namespace segue::vmm

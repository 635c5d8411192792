// SPDX-License-Identifier: Apache-2.0
// image.hpp - a kernel file of one boot protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <segue/cpp/result.hpp>

#include "vmm/kvm/uapi.hpp"
#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm {

// What the kernel is told lies here, below all that is loaded. Either protocol uses its own part.
inline constexpr std::uint64_t kBootArea = 0x6000;
inline constexpr std::uint64_t kCommandLine = 0x7000;
inline constexpr std::uint64_t kCommandLineEnd = 0x8000;
inline constexpr std::size_t kMaxCommandLine = kCommandLineEnd - kCommandLine - 1;

struct GuestRange {
    std::uint64_t guest = 0;
    std::uint64_t bytes = 0;
    std::uint64_t end() const { return guest + bytes; }
};

// Besides the kernel itself.
struct BootInfo {
    std::string command_line;
    GuestRange initrd; // 0 bytes: none
    std::uint64_t rsdp = 0;
};

struct BootVcpu {
    kvm_regs regs = {};
    kvm_sregs2 sregs = {};
};

// Made by the open functions below, which have checked the file against `ram`; reads it through the
// fd, which outlives it.
class KernelImage {
public:
    virtual ~KernelImage() = default;
    KernelImage(const KernelImage&) = delete;
    KernelImage& operator=(const KernelImage&) = delete;

    virtual std::size_t max_command_line() const = 0;
    // Where an initrd may lie: from the first on, and below the second.
    virtual std::uint64_t end() const = 0;
    virtual std::uint64_t initrd_limit() const = 0;
    // The kernel, and what tells it of `info`, into RAM.
    virtual Status load(const GuestRam& ram, const BootInfo& info) const = 0;
    virtual BootVcpu vcpu(const kvm_sregs2& fresh) const = 0;

protected:
    KernelImage() = default;
};

// An ELF file with a PVH entry (pvh.hpp). `name` is for errors.
Result<std::unique_ptr<KernelImage>> open_pvh(int fd, const std::string& name, const GuestRam& ram);
// A bzImage (bzimage.hpp).
Result<std::unique_ptr<KernelImage>> open_bzimage(int fd, const std::string& name,
                                                  const GuestRam& ram);

// The command line with its final 0, at kCommandLine.
Status write_command_line(const std::string& line, const GuestRam& ram);

} // namespace segue::vmm

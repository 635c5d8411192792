// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/bzimage.hpp"

#include <algorithm>
#include <cstring>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::uint16_t kOldest =
    0x020c; // protocol 2.12, Linux 3.8: the first that says xloadflags
constexpr std::uint64_t kHeaderAt = offsetof(boot_params, hdr);
constexpr std::uint32_t kE820Ram = 1, kE820Reserved = 2;

Error bad(const std::string& name, const std::string& why) {
    return Error(Code::Invalid, "kernel " + name + ": " + why);
}

Status check_header(const setup_header& h, const std::string& name) {
    if (h.version < kOldest)
        return bad(name, "speaks boot protocol " + std::to_string(h.version >> 8) + "." +
                             std::to_string(h.version & 0xff) + ", older than 2.12")
            .way_out("give a kernel of Linux 3.8 or newer");
    if ((h.xloadflags & XLF_KERNEL_64) == 0)
        return bad(name, "has no 64-bit entry").way_out("give a kernel built for x86-64");
    if ((h.loadflags & LOADED_HIGH) == 0 || h.pref_address < kVideoHoleEnd)
        return bad(name, "wants to lie below 1 MiB").way_out("give a bzImage, not a zImage");
    return {};
}

// Where the protected-mode code lies in the file, which holds all of it.
Result<GuestRange> code_of(const setup_header& h, std::uint64_t size, const std::string& name) {
    const std::uint64_t setup = (h.setup_sects == 0 ? 4u : h.setup_sects) + 1u;
    const GuestRange code = {setup * kSector, std::uint64_t{h.syssize} * 16};
    if (code.bytes <= kEntry64)
        return bad(name, "has no code").way_out("take the file from its package again");
    if (code.end() > size)
        return bad(name, "is cut short: " + std::to_string(size) + " bytes, " +
                             std::to_string(code.end()) + " by its header")
            .way_out("take the file from its package again");
    if (code.bytes > h.init_size)
        return bad(name, "is larger than the memory that it asks for")
            .way_out("take the file from its package again");
    return code;
}

} // namespace

Result<std::unique_ptr<KernelImage>> open_bzimage(int fd, const std::string& name,
                                                  const GuestRam& ram) {
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    const auto size = static_cast<std::uint64_t>(s.st_size);
    setup_header h = {};
    if (size < kHeaderAt + sizeof h)
        return bad(name, "is cut short: it ends in its header")
            .way_out("take the file from its package again");
    const auto bytes = std::as_writable_bytes(std::span(&h, 1));
    SEGUE_TRY(sys::pread_all(fd, bytes, kHeaderAt));
    // The header ends where its first jump leads to; an older one is shorter.
    const std::uint64_t length = offsetof(setup_header, header) + (h.jump >> 8);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(std::min(length, sizeof h)), bytes.end(),
              std::byte{0});
    SEGUE_TRY(check_header(h, name));
    SEGUE_ASSIGN(const GuestRange code, code_of(h, size, name));
    if (!ram.at(h.pref_address, h.init_size))
        return bad(name, "needs " + std::to_string((h.init_size >> 20) + 1) + " MiB of RAM from " +
                             std::to_string(h.pref_address >> 20) + " MiB on")
            .way_out("give the guest more memory");
    SEGUE_TRY(ram.at(kBootArea, kLinuxBootEnd - kBootArea));
    return std::unique_ptr<KernelImage>(new BzImage(fd, name, h, code));
}

std::size_t BzImage::max_command_line() const {
    return std::min<std::size_t>(header_.cmdline_size, kMaxCommandLine);
}

std::uint64_t BzImage::initrd_limit() const {
    return std::uint64_t{header_.initrd_addr_max} + 1;
}

boot_params BzImage::zero_page(const GuestRam& ram, const BootInfo& info) const {
    boot_params p = {};
    p.hdr = header_;
    p.hdr.type_of_loader = 0xff; // one without a number of its own
    p.hdr.vid_mode = 0xffff;     // "normal"
    p.hdr.code32_start = static_cast<std::uint32_t>(header_.pref_address);
    p.hdr.cmd_line_ptr = kCommandLine;
    p.hdr.ramdisk_image = static_cast<std::uint32_t>(info.initrd.guest);
    p.hdr.ramdisk_size = static_cast<std::uint32_t>(info.initrd.bytes);
    p.acpi_rsdp_addr = info.rsdp;
    for (const MemoryMapEntry& e : memory_map(ram.layout()))
        p.e820_table[p.e820_entries++] = {e.guest, e.bytes, e.ram ? kE820Ram : kE820Reserved};
    return p;
}

Status BzImage::load(const GuestRam& ram, const BootInfo& info) const {
    SEGUE_ASSIGN(const auto to, ram.at(header_.pref_address, code_.bytes));
    if (auto read = sys::pread_all(fd_, to, code_.guest); !read)
        return Error(std::move(read).error()).while_doing("kernel " + name_);
    const boot_params params = zero_page(ram, info);
    SEGUE_ASSIGN(const auto page, ram.at(kZeroPage, sizeof params));
    std::memcpy(page.data(), &params, sizeof params);
    SEGUE_TRY(write_command_line(info.command_line, ram));
    return write_long_mode_tables(ram);
}

} // namespace segue::vmm

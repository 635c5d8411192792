// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/kernel.hpp"

#include <array>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "vmm/boot/initrd.hpp"

namespace segue::vmm {

namespace {

using Head = std::array<char, 0x206>; // to the end of a bzImage's magic number

bool has(const Head& head, std::size_t at, std::string_view magic) {
    return std::memcmp(head.data() + at, magic.data(), magic.size()) == 0;
}

struct Packed {
    std::string_view magic, name;
};
constexpr Packed kPacked[] = {{"\x1f\x8b", "gzip"}, {"\x28\xb5\x2f\xfd", "zstd"}};

Error no_kernel(const std::string& name, const Head& head) {
    for (const Packed& p : kPacked)
        if (has(head, 0, p.magic))
            return Error(Code::Invalid,
                         "kernel " + name + ": is compressed with " + std::string(p.name))
                .way_out("unpack it with " + std::string(p.name) + " -d");
    return Error(Code::Invalid, "kernel " + name + ": is neither an ELF file nor a bzImage")
        .way_out("give [guest] kernel an x86-64 bzImage, such as /boot/vmlinuz, or an ELF file "
                 "with a PVH entry note, such as vmlinux");
}

Result<std::unique_ptr<KernelImage>> open_image(int fd, const std::string& name,
                                                const GuestRam& ram) {
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    if (!S_ISREG(s.st_mode))
        return Error(Code::Invalid, "kernel " + name + ": is not a regular file")
            .way_out("give [guest] kernel a file");
    Head head = {};
    const auto bytes = std::as_writable_bytes(std::span(head));
    const auto there = std::min(bytes.size(), static_cast<std::size_t>(s.st_size));
    SEGUE_TRY(sys::pread_all(fd, bytes.first(there), 0));
    if (has(head, 0, "\177ELF"))
        return open_pvh(fd, name, ram);
    if (has(head, 0x1fe, "\x55\xaa") && has(head, 0x202, "HdrS"))
        return open_bzimage(fd, name, ram);
    return no_kernel(name, head);
}

Status check_command_line(const std::string& line, std::size_t most) {
    if (line.size() > most)
        return Error(Code::Invalid, "kernel command line: " + std::to_string(line.size()) +
                                        " bytes, more than " + std::to_string(most))
            .way_out("shorten guest.cmdline");
    return {};
}

} // namespace

Status write_command_line(const std::string& line, const GuestRam& ram) {
    SEGUE_ASSIGN(const auto to, ram.at(kCommandLine, line.size() + 1));
    std::memcpy(to.data(), line.c_str(), to.size());
    return {};
}

Result<BootVcpu> load_kernel(const BootFiles& files, const GuestRam& ram, const kvm_sregs2& fresh) {
    auto file = sys::open(files.kernel, O_RDONLY | O_NONBLOCK);
    if (!file)
        return Error(std::move(file).error()).while_doing("kernel");
    SEGUE_ASSIGN(const auto image, open_image(file->get(), files.kernel, ram));
    SEGUE_TRY(check_command_line(files.command_line, image->max_command_line()));
    BootInfo info;
    info.command_line = files.command_line;
    info.rsdp = kAcpiArea;
    SEGUE_ASSIGN(const Initrd initrd, Initrd::open(files.initrd, *image, ram));
    info.initrd = initrd.range();
    SEGUE_TRY(initrd.load(ram));
    SEGUE_TRY(image->load(ram, info));
    return image->vcpu(fresh);
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/elf.hpp"

#include <elf.h>

#include <cstring>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::size_t kMaxHeaders = 128; // of a program; kernels have 4 to 10

Error bad(const std::string& name, const std::string& why) {
    return Error(Code::Invalid, "kernel " + name + ": " + why)
        .way_out("give [guest] kernel a bzImage, or an x86 ELF file with a PVH entry note, such as "
                 "vmlinux");
}

template <class T>
std::span<std::byte> bytes_of(T& value) {
    return std::as_writable_bytes(std::span(&value, 1));
}

bool inside(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
    return offset <= size && bytes <= size - offset;
}

// Both classes have the same field names in another order and width.
template <class Header, class Program>
Result<ElfFile> read_class(int fd, std::uint64_t size, std::uint16_t machine,
                           const std::string& name) {
    Header h = {};
    if (!inside(0, sizeof h, size))
        return bad(name, "shorter than its ELF header");
    SEGUE_TRY(sys::pread_all(fd, bytes_of(h), 0));
    if (h.e_machine != machine)
        return bad(name, "is for machine " + std::to_string(h.e_machine) + ", not x86");
    if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
        return bad(name, "is not an executable (ELF type " + std::to_string(h.e_type) + ")");
    if (h.e_phentsize != sizeof(Program))
        return bad(name, "program headers of " + std::to_string(h.e_phentsize) + " bytes");
    if (h.e_phnum == 0 || h.e_phnum > kMaxHeaders)
        return bad(name, std::to_string(h.e_phnum) + " program headers, not 1 to 128");
    if (!inside(h.e_phoff, h.e_phnum * sizeof(Program), size))
        return bad(name, "program headers lie outside the file");
    std::vector<Program> programs(h.e_phnum);
    SEGUE_TRY(sys::pread_all(fd, std::as_writable_bytes(std::span(programs)), h.e_phoff));
    ElfFile file;
    for (const Program& p : programs) {
        if (p.p_type != PT_LOAD && p.p_type != PT_NOTE)
            continue;
        if (!inside(p.p_offset, p.p_filesz, size))
            return bad(name, "a segment lies outside the file");
        if (p.p_type == PT_LOAD && p.p_filesz > p.p_memsz)
            return bad(name, "a segment is longer in the file than in memory");
        if (p.p_type == PT_LOAD && p.p_memsz == 0)
            continue;
        auto& list = p.p_type == PT_LOAD ? file.loads : file.notes;
        list.push_back({p.p_offset, p.p_filesz, p.p_paddr, p.p_memsz, p.p_align});
    }
    if (file.loads.empty())
        return bad(name, "has no segment to load");
    return file;
}

} // namespace

Result<ElfFile> ElfFile::read(int fd, const std::string& name) {
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    if (!S_ISREG(s.st_mode))
        return bad(name, "is not a regular file");
    const auto size = static_cast<std::uint64_t>(s.st_size);
    unsigned char ident[EI_NIDENT] = {};
    if (size < sizeof ident)
        return bad(name, "is not an ELF file");
    SEGUE_TRY(sys::pread_all(fd, std::as_writable_bytes(std::span(ident)), 0));
    if (std::memcmp(ident, ELFMAG, SELFMAG) != 0)
        return bad(name, "is not an ELF file");
    if (ident[EI_DATA] != ELFDATA2LSB || ident[EI_VERSION] != EV_CURRENT)
        return bad(name, "is not a little-endian ELF file of version 1");
    if (ident[EI_CLASS] == ELFCLASS64)
        return read_class<Elf64_Ehdr, Elf64_Phdr>(fd, size, EM_X86_64, name);
    if (ident[EI_CLASS] == ELFCLASS32)
        return read_class<Elf32_Ehdr, Elf32_Phdr>(fd, size, EM_386, name);
    return bad(name, "has ELF class " + std::to_string(ident[EI_CLASS]) + ", not 32 or 64 bits");
}

} // namespace segue::vmm

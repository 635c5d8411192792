// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/pvh.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include <segue/cpp/sys.hpp>

#include "vmm/boot/elf.hpp"
#include "vmm/boot/start_info.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint64_t kMaxNotes = 1 << 20; // bytes of one note segment
constexpr std::uint32_t kEntryNote = 18;     // XEN_ELFNOTE_PHYS32_ENTRY

struct NoteHeader {
    std::uint32_t name_bytes;
    std::uint32_t value_bytes;
    std::uint32_t type;
};

Error bad(const std::string& kernel, const std::string& why) {
    return Error(Code::Invalid, "kernel " + kernel + ": " + why);
}

// Name and value of each note are padded to the segment's alignment, 4 or 8 bytes.
std::optional<std::uint64_t> find_entry(std::span<const std::byte> notes, std::uint64_t align) {
    const auto padded = [&](std::uint64_t n) { return (n + align - 1) / align * align; };
    NoteHeader h;
    while (notes.size() >= sizeof h) {
        std::memcpy(&h, notes.data(), sizeof h);
        const std::uint64_t value_at = sizeof h + padded(h.name_bytes);
        if (value_at > notes.size() || h.value_bytes > notes.size() - value_at)
            return {};
        const bool xen = h.name_bytes == 4 && std::memcmp(&notes[sizeof h], "Xen", 4) == 0;
        if (xen && h.type == kEntryNote && (h.value_bytes == 4 || h.value_bytes == 8)) {
            std::uint64_t entry = 0;
            std::memcpy(&entry, &notes[value_at], h.value_bytes);
            return entry;
        }
        notes = notes.subspan(std::min(value_at + padded(h.value_bytes), notes.size()));
    }
    return {};
}

Result<std::uint32_t> entry_of(int fd, const ElfFile& elf, const std::string& kernel) {
    for (const ElfSegment& note : elf.notes) {
        if (note.file_bytes > kMaxNotes)
            return bad(kernel, "a note segment is longer than 1 MiB");
        std::vector<std::byte> bytes(note.file_bytes);
        SEGUE_TRY(sys::pread_all(fd, bytes, note.offset));
        const auto entry = find_entry(bytes, note.align == 8 ? 8 : 4);
        if (!entry)
            continue;
        const bool loaded =
            std::any_of(elf.loads.begin(), elf.loads.end(), [&](const ElfSegment& s) {
                return *entry >= s.guest && *entry - s.guest < s.memory_bytes;
            });
        if (!loaded || *entry > 0xffffffff)
            return bad(kernel, "its PVH entry lies in no loaded segment below 4 GiB");
        return static_cast<std::uint32_t>(*entry);
    }
    return bad(kernel, "has no PVH entry (ELF note 18 of \"Xen\")")
        .way_out("give the kernel's bzImage, or build it with CONFIG_PVH=y");
}

Status check_segments(const ElfFile& elf, const GuestRam& ram, const std::string& kernel) {
    for (const ElfSegment& s : elf.loads) {
        if (auto to = ram.at(s.guest, s.memory_bytes); !to)
            return bad(kernel, "a segment does not fit into guest RAM: " + to.error().what())
                .way_out("give the guest more memory");
        if (s.guest < kCommandLineEnd && s.guest + s.memory_bytes > kBootArea)
            return bad(kernel, "a segment lies over the boot area at 0x6000 to 0x8000");
        if (s.guest < kVideoHoleEnd && s.guest + s.memory_bytes > kVideoHole)
            return bad(kernel, "a segment lies in the reserved part at 0xa0000 to 0x100000");
    }
    return {};
}

} // namespace

Result<std::unique_ptr<KernelImage>> open_pvh(int fd, const std::string& name,
                                              const GuestRam& ram) {
    SEGUE_ASSIGN(ElfFile elf, ElfFile::read(fd, name));
    SEGUE_TRY(check_segments(elf, ram, name));
    SEGUE_ASSIGN(const std::uint32_t entry, entry_of(fd, elf, name));
    return std::unique_ptr<KernelImage>(new PvhImage(fd, name, std::move(elf), entry));
}

std::uint64_t PvhImage::end() const {
    std::uint64_t end = kVideoHoleEnd;
    for (const ElfSegment& s : elf_.loads)
        end = std::max(end, s.guest + s.memory_bytes);
    return end;
}

Status PvhImage::load(const GuestRam& ram, const BootInfo& info) const {
    for (const ElfSegment& s : elf_.loads) {
        SEGUE_ASSIGN(const auto to, ram.at(s.guest, s.memory_bytes));
        if (auto read = sys::pread_all(fd_, to.first(s.file_bytes), s.offset); !read)
            return Error(std::move(read).error()).while_doing("kernel " + name_);
        std::memset(to.data() + s.file_bytes, 0, to.size() - s.file_bytes);
    }
    return write_start_info(info, ram);
}

} // namespace segue::vmm

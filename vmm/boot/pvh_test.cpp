// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/pvh.hpp"

#include <elf.h>

#include <functional>

#include "vmm/boot/boot_test.hpp"
#include "vmm/boot/start_info.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kRam = 4 << 20;
constexpr std::uint64_t kLoad = 0x100000;

// A kernel of one load segment (text "kernel", then zeros to 8 KiB) and one note, entry at kLoad.
template <class Header, class Program, class Entry, int Class, int Machine>
struct Image {
    Header h = {};
    Program load = {};
    Program note = {};
    struct {
        Elf64_Nhdr other = {4, 4, 3};
        char other_name[4] = "GNU";
        std::uint32_t other_value = 0;
        Elf64_Nhdr entry = {4, sizeof(Entry), 18};
        char name[4] = "Xen";
        Entry value;
    } __attribute__((packed)) notes;
    char text[8] = "kernel";

    Image() {
        std::memcpy(h.e_ident, ELFMAG, SELFMAG);
        h.e_ident[EI_CLASS] = Class;
        h.e_ident[EI_DATA] = ELFDATA2LSB;
        h.e_ident[EI_VERSION] = EV_CURRENT;
        h.e_type = ET_EXEC;
        h.e_machine = Machine;
        h.e_phoff = sizeof h;
        h.e_phentsize = sizeof(Program);
        h.e_phnum = 2;
        note.p_type = PT_NOTE;
        note.p_offset = sizeof h + 2 * sizeof(Program);
        note.p_filesz = sizeof notes;
        load.p_type = PT_LOAD;
        load.p_offset = note.p_offset + sizeof notes;
        load.p_filesz = sizeof text;
        load.p_memsz = 8192;
        load.p_paddr = kLoad;
        notes.value = kLoad;
    }
    std::vector<std::byte> bytes() const {
        std::vector<std::byte> out;
        const auto add = [&](const auto& part) {
            const auto b = std::as_bytes(std::span(&part, 1));
            out.insert(out.end(), b.begin(), b.end());
        };
        add(h), add(load), add(note), add(notes), add(text);
        return out;
    }
};
using Image64 = Image<Elf64_Ehdr, Elf64_Phdr, std::uint64_t, ELFCLASS64, EM_X86_64>;
using Image32 = Image<Elf32_Ehdr, Elf32_Phdr, std::uint32_t, ELFCLASS32, EM_386>;

class Pvh : public BootTest {
protected:
    Pvh()
        : BootTest(kRam) {}
};

TEST_F(Pvh, LoadsSegmentsAndZeroesTheRest) {
    const auto entry = load(Image64().bytes());
    ASSERT_TRUE(entry.ok()) << entry.error().what();
    EXPECT_EQ(entry->regs.rip, kLoad);
    EXPECT_EQ(text_at(kLoad), "kernel");
    EXPECT_EQ(at<std::uint8_t>(kLoad + 8), 0);
    EXPECT_EQ(at<std::uint8_t>(kLoad + 8191), 0);
    EXPECT_EQ(at<std::uint8_t>(kLoad + 8192), 0xcc);
}

TEST_F(Pvh, Loads32BitImages) {
    const auto entry = load(Image32().bytes());
    ASSERT_TRUE(entry.ok()) << entry.error().what();
    EXPECT_EQ(entry->regs.rip, kLoad);
}

TEST_F(Pvh, WritesStartInfo) {
    ASSERT_TRUE(load(Image64().bytes(), "console=ttyS0").ok());
    const auto info = at<StartInfo>(kStartInfo);
    EXPECT_EQ(info.magic, 0x336ec578u);
    EXPECT_EQ(info.version, 1u);
    EXPECT_EQ(text_at(info.command_line), "console=ttyS0");
    ASSERT_EQ(info.memory_map_entries, 4u);
    EXPECT_EQ(info.modules, 0u);
    EXPECT_EQ(info.rsdp, kAcpiArea);
    const auto high = at<StartInfoMemory>(info.memory_map + 2 * sizeof(StartInfoMemory));
    EXPECT_EQ(high.guest, 0x100000u);
    EXPECT_EQ(high.bytes, kRam - 0x100000);
    EXPECT_EQ(high.type, 1u);
}

TEST_F(Pvh, GivesTheInitrdAsAModule) {
    const std::vector<std::byte> initrd(5000, std::byte{0x77});
    ASSERT_TRUE(load(Image64().bytes(), "", initrd).ok());
    const auto info = at<StartInfo>(kStartInfo);
    ASSERT_EQ(info.modules, 1u);
    const auto module = at<StartInfoModule>(info.module_list);
    EXPECT_EQ(module.bytes, 5000u);
    EXPECT_EQ(module.guest, kRam - 8192); // as high as whole pages go
    EXPECT_EQ(at<std::uint8_t>(module.guest + 4999), 0x77);
    EXPECT_EQ(at<std::uint8_t>(module.guest + 5000), 0xcc);
}

struct Fault {
    const char* name;
    std::function<void(Image64&)> plant;
    const char* why;
};

TEST_F(Pvh, RefusesEachMalformedField) {
    const Fault faults[] = {
        {"magic", [](Image64& i) { i.h.e_ident[0] = 0; }, "neither an ELF file nor a bzImage"},
        {"byte order", [](Image64& i) { i.h.e_ident[EI_DATA] = ELFDATA2MSB; }, "little-endian"},
        {"version", [](Image64& i) { i.h.e_ident[EI_VERSION] = 2; }, "of version 1"},
        {"class", [](Image64& i) { i.h.e_ident[EI_CLASS] = 3; }, "class 3"},
        {"machine", [](Image64& i) { i.h.e_machine = EM_AARCH64; }, "not x86"},
        {"type", [](Image64& i) { i.h.e_type = ET_REL; }, "not an executable"},
        {"header size", [](Image64& i) { i.h.e_phentsize = 8; }, "headers of 8 bytes"},
        {"no headers", [](Image64& i) { i.h.e_phnum = 0; }, "0 program headers"},
        {"many headers", [](Image64& i) { i.h.e_phnum = 60000; }, "60000 program headers"},
        {"header offset", [](Image64& i) { i.h.e_phoff = 1000; }, "headers lie outside"},
        {"offset wraps", [](Image64& i) { i.h.e_phoff = ~0ull - 8; }, "headers lie outside"},
        {"segment offset", [](Image64& i) { i.load.p_offset = 100000; }, "segment lies outside"},
        {"segment length", [](Image64& i) { i.load.p_filesz = ~0ull; }, "segment lies outside"},
        {"longer in file", [](Image64& i) { i.load.p_memsz = 4; }, "longer in the file"},
        {"address", [](Image64& i) { i.load.p_paddr = kRam; }, "does not fit into guest RAM"},
        {"memory size", [](Image64& i) { i.load.p_memsz = ~0ull; }, "does not fit into guest RAM"},
        {"boot area", [](Image64& i) { i.load.p_paddr = i.notes.value = 0x7fff; }, "boot area"},
        {"hole", [](Image64& i) { i.load.p_paddr = i.notes.value = 0x9f000; }, "0xa0000"},
        {"nothing to load", [](Image64& i) { i.load.p_type = PT_NULL; }, "no segment to load"},
        {"no note", [](Image64& i) { i.note.p_type = PT_NULL; }, "no PVH entry"},
        {"note type", [](Image64& i) { i.notes.entry.n_type = 17; }, "no PVH entry"},
        {"note name", [](Image64& i) { i.notes.name[0] = 'x'; }, "no PVH entry"},
        {"note value size", [](Image64& i) { i.notes.entry.n_descsz = 5; }, "no PVH entry"},
        {"note too long", [](Image64& i) { i.notes.other.n_descsz = ~0u; }, "no PVH entry"},
        {"note name long", [](Image64& i) { i.notes.other.n_namesz = ~0u; }, "no PVH entry"},
        {"entry", [](Image64& i) { i.notes.value = kLoad + 8192; }, "no loaded segment"},
    };
    for (const Fault& fault : faults) {
        Image64 image;
        fault.plant(image);
        const auto entry = load(image.bytes());
        ASSERT_EQ(entry.code(), Code::Invalid) << fault.name;
        EXPECT_THAT(entry.error().what(), HasSubstr(fault.why)) << fault.name;
        EXPECT_THAT(entry.error().what(), HasSubstr("kernel /proc/self/fd/")) << fault.name;
        EXPECT_TRUE(untouched()) << fault.name;
    }
}

TEST_F(Pvh, RefusesEveryTruncation) {
    const auto whole = Image64().bytes();
    for (std::size_t n = 0; n < whole.size(); ++n)
        EXPECT_FALSE(load(std::span(whole).first(n)).ok()) << n;
    EXPECT_TRUE(untouched());
}

TEST_F(Pvh, RefusesALongCommandLine) {
    EXPECT_TRUE(load(Image64().bytes(), std::string(kMaxCommandLine, 'x')).ok());
    const auto entry = load(Image64().bytes(), std::string(kMaxCommandLine + 1, 'x'));
    ASSERT_EQ(entry.code(), Code::Invalid);
    EXPECT_THAT(entry.error().what(), HasSubstr("command line"));
}

TEST_F(Pvh, EntryStateIsFlat32BitWithoutPaging) {
    const BootVcpu v = load(Image64().bytes()).value();
    EXPECT_EQ(v.regs.rbx, kStartInfo);
    EXPECT_EQ(v.sregs.cr0, 0x11u);
    EXPECT_EQ(v.sregs.cs.limit, 0xffffffffu);
    EXPECT_EQ(v.sregs.cs.db, 1);
    EXPECT_EQ(v.sregs.efer, 0u);
    EXPECT_EQ(v.sregs.apic_base, kApicBase);
}

} // namespace
} // namespace segue::vmm

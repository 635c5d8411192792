// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/bzimage.hpp"

#include <functional>

#include "vmm/boot/boot_test.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kRam = 16 << 20;
constexpr std::uint64_t kLoad = 2 << 20;

// Two sectors of setup, then 2048 bytes of code, of which the last are text.
struct Kernel {
    setup_header h = {};
    std::size_t setup = 3 * 512;
    std::size_t code = 2048;

    Kernel() {
        h.setup_sects = 2;
        h.syssize = 2048 / 16;
        h.boot_flag = 0xaa55;
        h.jump = 0x6aeb; // to 0x26c, past this header
        h.header = 0x53726448;
        h.version = 0x20f;
        h.loadflags = LOADED_HIGH;
        h.initrd_addr_max = 0x7fffffff;
        h.kernel_alignment = 2 << 20;
        h.relocatable_kernel = 1;
        h.xloadflags = XLF_KERNEL_64;
        h.cmdline_size = 2047;
        h.pref_address = kLoad;
        h.init_size = 4 << 20;
        h.setup_data = 0;
    }
    std::vector<std::byte> bytes() const {
        std::vector<std::byte> out(setup + code, std::byte{0x11});
        std::memcpy(&out[0x1f1], &h, sizeof h);
        std::memcpy(&out[setup + code - 8], "the end", 8);
        return out;
    }
};

class BzImageTest : public BootTest {
protected:
    BzImageTest()
        : BootTest(kRam) {}
};

TEST_F(BzImageTest, LoadsTheCodeBehindTheSetupSectors) {
    const auto v = load(Kernel().bytes());
    ASSERT_TRUE(v.ok()) << v.error().what();
    EXPECT_EQ(v->regs.rip, kLoad + 0x200);
    EXPECT_EQ(text_at(kLoad + 2040), "the end");
    EXPECT_EQ(at<std::uint8_t>(kLoad - 1), 0xcc);
    EXPECT_EQ(at<std::uint8_t>(kLoad + 2048), 0xcc);
}

TEST_F(BzImageTest, FourSetupSectorsAreMeantByNone) {
    Kernel k;
    k.h.setup_sects = 0;
    k.setup = 5 * 512;
    ASSERT_TRUE(load(k.bytes()).ok());
    EXPECT_EQ(text_at(kLoad + 2040), "the end");
}

TEST_F(BzImageTest, TheZeroPageTellsOfEverything) {
    const std::vector<std::byte> initrd(10, std::byte{0x77});
    ASSERT_TRUE(load(Kernel().bytes(), "console=ttyS0", initrd).ok());
    const auto p = at<boot_params>(kZeroPage);
    EXPECT_EQ(p.hdr.header, 0x53726448u);
    EXPECT_EQ(p.hdr.type_of_loader, 0xff);
    EXPECT_EQ(text_at(p.hdr.cmd_line_ptr), "console=ttyS0");
    EXPECT_EQ(p.hdr.ramdisk_image, kRam - 4096);
    EXPECT_EQ(p.hdr.ramdisk_size, 10u);
    EXPECT_EQ(at<std::uint8_t>(p.hdr.ramdisk_image + 9), 0x77);
    EXPECT_EQ(p.acpi_rsdp_addr, kAcpiArea);
    ASSERT_EQ(p.e820_entries, 4);
    EXPECT_EQ(p.e820_table[0].size, kVideoHole);
    EXPECT_EQ(p.e820_table[1].addr, kVideoHole);
    EXPECT_EQ(p.e820_table[1].type, 2u);
    EXPECT_EQ(p.e820_table[2].addr, 0x100000u);
    EXPECT_EQ(p.e820_table[2].size, kRam - 0x100000);
    EXPECT_EQ(p.e820_table[2].type, 1u);
    EXPECT_EQ(p.e820_table[3].addr, kEcam);
    EXPECT_EQ(p.e820_table[3].type, 2u);
}

TEST_F(BzImageTest, WithoutAnInitrdTheZeroPageNamesNone) {
    ASSERT_TRUE(load(Kernel().bytes()).ok());
    EXPECT_EQ(at<boot_params>(kZeroPage).hdr.ramdisk_image, 0u);
    EXPECT_EQ(at<boot_params>(kZeroPage).hdr.ramdisk_size, 0u);
}

TEST_F(BzImageTest, WhatLiesBehindAShorterHeaderIsNotOfIt) {
    Kernel k;
    k.h.jump = 0x62eb; // to 0x264: protocol 2.12 without the last fields
    k.h.version = 0x20c;
    k.h.handover_offset = 0x1234;
    k.h.kernel_info_offset = 0x5678;
    ASSERT_TRUE(load(k.bytes()).ok());
    EXPECT_EQ(at<boot_params>(kZeroPage).hdr.handover_offset, 0u);
    EXPECT_EQ(at<boot_params>(kZeroPage).hdr.kernel_info_offset, 0u);
    EXPECT_EQ(at<boot_params>(kZeroPage).hdr.init_size, 4u << 20);
}

TEST_F(BzImageTest, StartsInLongModeOnOneToOnePages) {
    const BootVcpu v = load(Kernel().bytes()).value();
    EXPECT_EQ(v.regs.rsi, kZeroPage);
    EXPECT_EQ(v.sregs.cr0 & 0x80000001, 0x80000001u);
    EXPECT_EQ(v.sregs.cr4, 0x20u);
    EXPECT_EQ(v.sregs.efer, 0x500u);
    EXPECT_EQ(v.sregs.cs.selector, 0x10);
    EXPECT_EQ(v.sregs.cs.l, 1);
    EXPECT_EQ(v.sregs.ds.selector, 0x18);
    EXPECT_EQ(v.sregs.apic_base, kApicBase);
    // The processor's own way from CR3, for the first and the last of the 4 GiB.
    for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0xffe00000}}) {
        const auto root = at<std::uint64_t>(v.sregs.cr3);
        const auto directory = at<std::uint64_t>((root & ~0xfffull) + (address >> 30) * 8);
        const auto entry = at<std::uint64_t>((directory & ~0xfffull) + (address >> 21 & 511) * 8);
        EXPECT_EQ(root & directory & 3, 3u);
        EXPECT_EQ(entry, address | 0x83);
    }
    // The GDT says of CS and DS what the segments do (Intel SDM 3A, 3.4.5).
    EXPECT_EQ(at<std::uint64_t>(v.sregs.gdt.base + 0x10) >> 40 & 0xff, 0x9bu);
    EXPECT_EQ(at<std::uint64_t>(v.sregs.gdt.base + 0x18) >> 40 & 0xff, 0x93u);
    EXPECT_EQ(v.sregs.gdt.limit, 0x1f);
}

struct Fault {
    const char* name;
    std::function<void(Kernel&)> plant;
    const char* why;
};

TEST_F(BzImageTest, RefusesEachKernelThatItCannotStart) {
    const Fault faults[] = {
        {"flag", [](Kernel& k) { k.h.boot_flag = 0; }, "neither an ELF file nor a bzImage"},
        {"magic", [](Kernel& k) { k.h.header = 0; }, "neither an ELF file nor a bzImage"},
        {"version", [](Kernel& k) { k.h.version = 0x20b; }, "boot protocol 2.11"},
        {"32-bit", [](Kernel& k) { k.h.xloadflags = 2; }, "no 64-bit entry"},
        {"zImage", [](Kernel& k) { k.h.loadflags = 0; }, "below 1 MiB"},
        {"low", [](Kernel& k) { k.h.pref_address = 0x90000; }, "below 1 MiB"},
        {"empty", [](Kernel& k) { k.h.syssize = 0; }, "has no code"},
        {"short", [](Kernel& k) { k.h.syssize = 2048 / 16 + 1; }, "cut short: 3584 bytes, 3600"},
        {"long", [](Kernel& k) { k.h.syssize = ~0u; }, "cut short"},
        {"size", [](Kernel& k) { k.h.init_size = 2047; }, "larger than the memory"},
        {"memory", [](Kernel& k) { k.h.init_size = 15 << 20; }, "needs 16 MiB of RAM from 2 MiB"},
        {"address", [](Kernel& k) { k.h.pref_address = ~0ull << 12; }, "of RAM from"},
    };
    for (const Fault& fault : faults) {
        Kernel kernel;
        fault.plant(kernel);
        const auto v = load(kernel.bytes());
        ASSERT_EQ(v.code(), Code::Invalid) << fault.name;
        EXPECT_THAT(v.error().what(), HasSubstr(fault.why)) << fault.name;
        EXPECT_THAT(v.error().what(), HasSubstr("kernel /proc/self/fd/")) << fault.name;
        EXPECT_FALSE(v.error().way_out().empty()) << fault.name;
        EXPECT_TRUE(untouched()) << fault.name;
    }
}

TEST_F(BzImageTest, RefusesEveryTruncation) {
    const auto whole = Kernel().bytes();
    for (std::size_t n = 0; n < whole.size(); ++n)
        ASSERT_FALSE(load(std::span(whole).first(n)).ok()) << n;
    EXPECT_TRUE(untouched());
}

TEST_F(BzImageTest, TheKernelSaysHowLongItsCommandLineMayBe) {
    EXPECT_TRUE(load(Kernel().bytes(), std::string(2047, 'x')).ok());
    const auto v = load(Kernel().bytes(), std::string(2048, 'x'));
    ASSERT_EQ(v.code(), Code::Invalid);
    EXPECT_THAT(v.error().what(), HasSubstr("command line: 2048 bytes, more than 2047"));
    EXPECT_THAT(v.error().way_out(), HasSubstr("guest.cmdline"));
}

} // namespace
} // namespace segue::vmm

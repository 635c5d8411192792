// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/waking.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace segue::vmm {
namespace {

class WakingTest : public testing::Test {
protected:
    // Where the guest has it: in the FACS of `tables`, at their second 64 bytes.
    void write(std::uint32_t vector) {
        std::memcpy(&storage[kAcpiArea + 64 + 12], &vector, sizeof vector);
    }
    WakingTest() { std::memcpy(&tables[64], "FACS", 4); }

    std::vector<std::byte> storage = std::vector<std::byte>(2 << 20);
    GuestRam ram{{{{0, storage.size(), 0, 0}, storage.data()}}};
    std::vector<std::uint8_t> tables = std::vector<std::uint8_t>(256);
};

TEST_F(WakingTest, TheVectorIsTheGuestsNotTheTables) {
    std::memset(&tables[64 + 12], 0xff, 4);
    write(0x9a123);
    EXPECT_EQ(waking_vector(tables, ram), 0x9a123u);
}

TEST_F(WakingTest, NoneWhereItIsNotRealModesOrThereIsNoFacs) {
    for (const std::uint32_t vector : {0u, 0x100000u, 0xffffffffu}) {
        write(vector);
        EXPECT_EQ(waking_vector(tables, ram), 0u) << vector;
    }
    write(0xfffff);
    EXPECT_EQ(waking_vector(tables, ram), 0xfffffu);
    EXPECT_EQ(waking_vector(std::span(tables).first(64), ram), 0u);
    EXPECT_EQ(waking_vector(std::span(tables).first(127), ram), 0u) << "cut off";
    EXPECT_EQ(waking_vector(tables, GuestRam()), 0u);
}

TEST_F(WakingTest, TheProcessorGoesOnInRealModeAsAfterAReset) {
    kvm_sregs2 fresh = {};
    fresh.cr0 = 0x60000010;
    fresh.apic_base = 0xfee00900;
    fresh.cs.limit = 0xffff;
    fresh.cs.base = 0xffff0000;
    fresh.cs.selector = 0xf000;
    const BootVcpu v = waking_vcpu(0x12345, fresh);
    EXPECT_EQ(v.sregs.cs.selector, 0x1234);
    EXPECT_EQ(v.sregs.cs.base, 0x12340u);
    EXPECT_EQ(v.sregs.cs.limit, 0xffffu);
    EXPECT_EQ(v.regs.rip, 5u);
    EXPECT_EQ(v.regs.rflags, 2u);
    EXPECT_EQ(v.sregs.cr0, 0x10u);
    EXPECT_EQ(v.sregs.apic_base, 0xfee00900u);
}

} // namespace
} // namespace segue::vmm

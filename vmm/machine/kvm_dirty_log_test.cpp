// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/kvm_dirty_log.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "core/inventory/ram.hpp"
#include "vmm/kvm/msrs.hpp"
#include "vmm/machine/test_guest.hpp"
#include "vmm/memory/slots.hpp"
#include "vmm/virtio/memory.hpp"

namespace segue::vmm {
namespace {

using ports::DirtyLog;

// Blocks whose ends and regions lie at no multiple of 64 pages, and a log over them; no vCPU.
class KvmDirtyLogTest : public testing::Test {
protected:
    static constexpr std::uint64_t kPages[] = {512 + 3, 70};

    void SetUp() override {
        for (const std::uint64_t pages : kPages) {
            auto block = inventory::stand_in("ram" + std::to_string(inventory_.blocks().size()),
                                             pages * 4096);
            ASSERT_TRUE(inventory_.add(std::move(block).value()));
        }
        ram_ = guest_ram(inventory_).value();
        ASSERT_TRUE(map_slots(vm_, ram_));
    }
    // As "block.page".
    std::set<std::string> taken(std::uint32_t block, std::uint64_t first, std::size_t words) {
        std::vector<std::uint64_t> bits(words);
        const Status s = log_.take(block, first, bits);
        EXPECT_TRUE(s) << s.error().what();
        std::set<std::string> pages;
        for (std::uint64_t i = 0; i < words * 64; ++i)
            if ((bits[i / 64] >> i % 64 & 1) != 0)
                pages.insert(std::to_string(block) + "." + std::to_string(first + i));
        return pages;
    }
    std::set<std::string> all_taken() {
        auto pages = taken(0, 0, 9);
        pages.merge(taken(1, 0, 2));
        return pages;
    }
    bool slots_log() const {
        std::vector<std::uint64_t> bits(16);
        return vm_.read_log(0, bits).ok();
    }

    Kvm kvm_ = Kvm::open().value();
    Vm vm_ = Vm::create(kvm_).value();
    inventory::Inventory inventory_;
    GuestRam ram_;
    std::string unseen_;
    BitmapLog writes_{vm_};
    KvmDirtyLog log_{vm_, writes_, ram_, [this] { return unseen_; }};
};

TEST_F(KvmDirtyLogTest, IsOnOnlyFromStartToStop) {
    EXPECT_FALSE(slots_log());
    std::uint64_t word = 0;
    EXPECT_EQ(log_.look().code(), Code::Phase);
    EXPECT_EQ(log_.take(0, 0, {&word, 1}).code(), Code::Phase);
    ASSERT_TRUE(log_.start());
    EXPECT_TRUE(slots_log());
    EXPECT_TRUE(ram_.written().is_on());
    EXPECT_EQ(log_.start().code(), Code::Exists);
    log_.stop();
    log_.stop();
    EXPECT_FALSE(slots_log());
    EXPECT_FALSE(ram_.written().is_on());
    EXPECT_EQ(log_.look().code(), Code::Phase);
}

TEST_F(KvmDirtyLogTest, EveryPageIsThereOnceAtFirst) {
    ASSERT_TRUE(log_.start());
    EXPECT_EQ(log_.look().value(), kPages[0] + kPages[1]);
    EXPECT_EQ(taken(0, 0, 2).size(), 128u);
    EXPECT_EQ(taken(0, 0, 2).size(), 0u);
    EXPECT_EQ(all_taken().size(), kPages[0] + kPages[1] - 128);
    EXPECT_EQ(log_.look().value(), 0u);
    EXPECT_EQ(all_taken().size(), 0u);
}

// To protect them takes KVM milliseconds for each GiB, in the pause.
TEST_F(KvmDirtyLogTest, PagesOfAGuestThatStandsStillAreNotProtectedAgain) {
    for (int update = 0; update < 2; ++update) {
        ASSERT_TRUE(log_.start());
        (void)log_.look().value();
        EXPECT_EQ(taken(0, 0, 9).size(), kPages[0]);
        log_.guest_stopped();
        EXPECT_EQ(log_.look().value(), kPages[1]);
        EXPECT_EQ(taken(1, 0, 2).size(), kPages[1]);
        std::vector<std::uint64_t> kvms(2);
        ASSERT_TRUE(vm_.read_log(1, kvms));
        EXPECT_EQ(kvms[0], ~0ull) << "KVM was told to find them again";
        EXPECT_EQ(log_.look().value(), 0u) << "they were taken";
        const virtio::Memory memory(ram_);
        memory.store<std::uint16_t>(0, 7); // the VMM's own are found
        EXPECT_EQ(log_.look().value(), 1u);
        log_.stop();
    }
}

TEST_F(KvmDirtyLogTest, WhatTheVmmWritesIsFoundByTheNextLook) {
    const virtio::Memory memory(ram_);
    ASSERT_TRUE(log_.start());
    (void)log_.look().value();
    (void)all_taken();
    memory.store<std::uint16_t>(0, 7);                        // 0.0
    memory.store<std::uint64_t>(kPages[0] * 4096 - 8, 7);     // 0.514
    const std::vector<std::byte> data(4096, std::byte{7});    // 0.514 and 1.0, not by halves
    ASSERT_TRUE(memory.write(kPages[0] * 4096 - 2048, data)); //
    std::vector<iovec> pieces;                                // 1.65 to 1.67
    ASSERT_TRUE(memory.map((kPages[0] + 65) * 4096 + 5, 8192, pieces));
    EXPECT_EQ(all_taken().size(), 0u) << "nobody has looked";
    memory.wrote((kPages[0] + 65) * 4096 + 5, 8192);
    EXPECT_EQ(log_.look().value(), 6u);
    EXPECT_EQ(all_taken(), (std::set<std::string>{"0.0", "0.514", "1.0", "1.65", "1.66", "1.67"}));
    EXPECT_EQ(log_.look().value(), 0u);
}

// Which it does at once where a vCPU names the place of the wall clock (Linux
// Documentation/virt/kvm/ x86/msr.rst).
TEST_F(KvmDirtyLogTest, WhatKvmWritesForItselfIsFound) {
    ASSERT_TRUE(vm_.create_irqchip());
    Vcpu vcpu = Vcpu::create(kvm_, vm_, 0).value();
    ASSERT_TRUE(log_.start());
    (void)log_.look().value();
    (void)all_taken();
    MsrBlock block(1);
    const kvm_msr_entry wall_clock = {0x4b564d00, 0, 300ull * 4096};
    ASSERT_TRUE(write_msrs(vcpu, block, {&wall_clock, 1}));
    EXPECT_EQ(log_.look().value(), 1u);
    EXPECT_EQ(all_taken(), (std::set<std::string>{"0.300"}));
}

TEST_F(KvmDirtyLogTest, NothingOfAnEarlierUpdateIsLeft) {
    const virtio::Memory memory(ram_);
    ASSERT_TRUE(log_.start());
    memory.store<std::uint16_t>(0, 7);
    log_.stop();
    memory.store<std::uint16_t>(4096, 7);
    ASSERT_TRUE(log_.start());
    EXPECT_EQ(all_taken().size(), kPages[0] + kPages[1]);
    EXPECT_EQ(log_.look().value(), 0u);
}

TEST_F(KvmDirtyLogTest, ADeviceThatWritesUnseenIsNamed) {
    unseen_ = "net0";
    for (const Status& s : {log_.check(), log_.start()}) {
        ASSERT_EQ(s.code(), Code::Refused);
        EXPECT_EQ(s.error().detail("device"), "net0");
        EXPECT_FALSE(s.error().way_out().empty());
    }
    EXPECT_FALSE(slots_log());
}

// What an update does with it: pages are read while the guest writes them.
struct Copy {
    explicit Copy(const inventory::RamBlock& b)
        : from(b.base())
        , pages(b.bytes / 4096)
        , to(b.bytes) {}

    std::uint64_t round(DirtyLog& log) {
        const std::uint64_t found = log.look().value();
        std::vector<std::uint64_t> bits(8);
        for (std::uint64_t first = 0; first < pages; first += bits.size() * 64) {
            EXPECT_TRUE(log.take(0, first, bits));
            for (std::uint64_t i = 0; i < bits.size() * 64; ++i)
                if ((bits[i / 64] >> i % 64 & 1) != 0)
                    std::memcpy(&to[(first + i) * 4096], from + (first + i) * 4096, 4096);
        }
        return found;
    }
    std::uint64_t differing() const {
        std::uint64_t n = 0;
        for (std::uint64_t p = 0; p < pages; ++p)
            n += std::memcmp(&to[p * 4096], from + p * 4096, 4096) != 0;
        return n;
    }

    const std::byte* from;
    std::uint64_t pages;
    std::vector<std::byte> to;
};

// By bitmaps, and by rings that are soon full.
class KvmDirtyLogOfAGuest : public testing::TestWithParam<std::uint32_t> {};

TEST_P(KvmDirtyLogOfAGuest, ACopyInRoundsIsTheGuest) {
    const auto guest = std::make_unique<TestGuest>(test_inventory(16 << 20));
    guest->machine.use_dirty_rings(GetParam());
    ASSERT_TRUE(guest->machine.create(test_config(2), guest->inventory));
    guest->start();
    ASSERT_TRUE(guest->counts());
    DirtyLog& log = guest->machine.dirty_log();
    Copy copy(guest->inventory.blocks()[0]);
    ASSERT_TRUE(log.start());
    EXPECT_EQ(copy.round(log), copy.pages);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(guest->counts());
        const std::uint64_t found = copy.round(log);
        EXPECT_GT(found, 0u);
    }
    ASSERT_TRUE(guest->counts());
    ASSERT_TRUE(guest->stop());
    EXPECT_GT(copy.differing(), 0u) << "a page that nobody has taken must be found";
    (void)copy.round(log);
    EXPECT_EQ(copy.differing(), 0u);
    log.stop();
    guest->start();
    EXPECT_TRUE(guest->counts(true)) << guest->complaint();
    ASSERT_TRUE(log.start());
    EXPECT_EQ(log.look().value(), copy.pages) << "all again, and nothing twice";
    log.stop();
    EXPECT_TRUE(guest->counts(true)) << guest->complaint();
}

// More than the rings hold, while nobody looks: the vCPUs empty them.
TEST_P(KvmDirtyLogOfAGuest, NothingOfWhatItWritesIsLost) {
    const auto guest = std::make_unique<TestGuest>(test_inventory(32 << 20));
    guest->machine.use_dirty_rings(GetParam());
    MachineConfig config = test_config(2);
    config.boot.command_line = "vcpus=2 print=20 share=8M"; // 2048 pages each
    ASSERT_TRUE(guest->machine.create(config, guest->inventory));
    guest->start();
    DirtyLog& log = guest->machine.dirty_log();
    Copy copy(guest->inventory.blocks()[0]);
    ASSERT_TRUE(log.start());
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(guest->counts(true)) << guest->complaint();
        EXPECT_GT(copy.round(log), 2 * 1024u);
        ASSERT_TRUE(guest->counts(true)) << guest->complaint();
        ASSERT_TRUE(guest->stop());
        guest->start();
    }
    ASSERT_TRUE(guest->stop());
    (void)copy.round(log);
    EXPECT_EQ(copy.differing(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Entries, KvmDirtyLogOfAGuest, testing::Values(0, 1024));

} // namespace
} // namespace segue::vmm

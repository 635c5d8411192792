// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/ram_fault.hpp"

#include <sys/mman.h>

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

namespace segue::vmm {
namespace {

constexpr std::uint64_t kBytes = 1 << 20;

class RamFault : public testing::Test {
protected:
    RamFault() {
        for (const char* id : {"ram0", "ram1"}) {
            inventory::RamBlock b;
            b.id = id;
            b.backend = "file";
            b.bytes = kBytes;
            b.fd = sys::memfd(std::string("of-") + id, 0).value();
            EXPECT_TRUE(sys::truncate(b.fd.get(), kBytes));
            b.map = Mapping::make(kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd.get(), 0, id)
                        .value();
            EXPECT_TRUE(inventory_.add(std::move(b)));
        }
    }
    void truncate(std::size_t block, std::uint64_t bytes) {
        ASSERT_TRUE(sys::truncate(inventory_.blocks()[block].fd.get(), bytes));
    }
    // In a child: what a process says and how it ends.
    void touch(std::size_t block) {
        ASSERT_TRUE(tell_ram_faults());
        *inventory_.blocks()[block].base() = std::byte{1};
    }
    inventory::Inventory inventory_;
};
using RamFaultDeathTest = RamFault;

TEST_F(RamFaultDeathTest, IsToldByNameAndStillEndsTheProcess) {
    const NamedRam named(inventory_);
    truncate(1, 0);
    EXPECT_EXIT(
        touch(1), testing::KilledBySignal(SIGBUS),
        "segue-vmm\\[[0-9]+\\] error: RAM block 'ram1' \\(memory/file, /memfd:of-ram1.*\\): "
        "its file is shorter");
}

TEST_F(RamFaultDeathTest, OfABlockThatIsForgottenIsNotCalledRam) {
    NamedRam named(inventory_);
    named = NamedRam();
    truncate(0, 0);
    EXPECT_EXIT(touch(0), testing::KilledBySignal(SIGBUS), "no RAM of the guest");
}

TEST_F(RamFaultDeathTest, ThatSomebodySentIsNoFault) {
    const NamedRam named(inventory_);
    EXPECT_EXIT(
        {
            ASSERT_TRUE(tell_ram_faults());
            ::raise(SIGBUS);
        },
        testing::KilledBySignal(SIGBUS), "no RAM of the guest");
}

TEST_F(RamFault, ATruncatedFileIsFoundByItsLength) {
    EXPECT_EQ(truncated_ram(inventory_), "");
    truncate(1, 4096);
    EXPECT_THAT(truncated_ram(inventory_),
                testing::AllOf(testing::HasSubstr("RAM block 'ram1'"),
                               testing::HasSubstr("has only 4096 of its 1048576 bytes")));
}

} // namespace
} // namespace segue::vmm

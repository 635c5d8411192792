// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/ram_placement.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

#include "core/inventory/ram.hpp"
#include "tests/support/huge_pages.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kBytes = 8 << 20;

// A mapping of `file`, or of a new one.
inventory::RamBlock block_of(UniqueFd file = {}, unsigned memfd_flags = 0,
                             std::uint64_t bytes = kBytes) {
    inventory::RamBlock block;
    block.id = "ram0";
    block.bytes = bytes;
    block.page_shift = memfd_flags != 0 ? 21 : 12;
    block.fd = file ? std::move(file) : sys::memfd("ram_placement_test", memfd_flags).value();
    EXPECT_TRUE(sys::truncate(block.fd.get(), bytes).ok());
    block.map = Mapping::make(bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                              block.fd.get(), 0, "ram0")
                    .value();
    return block;
}

inventory::Inventory one(inventory::RamBlock block) {
    inventory::Inventory inventory;
    EXPECT_TRUE(inventory.add(std::move(block)).ok());
    return inventory;
}

config::MemoryConfig ram0(std::vector<unsigned> nodes = {}) {
    config::MemoryConfig m;
    m.id = "ram0";
    m.size = kBytes;
    m.numa.nodes = std::move(nodes);
    return m;
}

// What /proc/self/FILE says of the mapping: from its line to the next mapping's.
std::string said_of(const inventory::Inventory& inventory, const std::string& file) {
    char start[32];
    std::snprintf(start, sizeof start, "%lx",
                  reinterpret_cast<unsigned long>(inventory.blocks()[0].base()));
    std::ifstream in("/proc/self/" + file);
    const std::string all{std::istreambuf_iterator<char>(in), {}};
    const auto at = all.find(std::string("\n") + start);
    return at == all.npos ? "not there" : all.substr(at + 1, 1000);
}
std::string policy_of(const inventory::Inventory& inventory) {
    const std::string line = said_of(inventory, "numa_maps");
    const auto word = line.find(' ') + 1;
    return line.substr(word, line.find(' ', word) - word);
}
bool is_locked(const inventory::Inventory& inventory) {
    const std::string text = said_of(inventory, "smaps");
    const auto flags = text.find("VmFlags:");
    return text.substr(flags, text.find('\n', flags) - flags).find(" lo") != text.npos;
}
std::uint64_t taken(const inventory::Inventory& inventory) {
    return static_cast<std::uint64_t>(sys::stat(inventory.blocks()[0].fd.get())->st_blocks) * 512;
}

TEST(RamPlacement, EachPolicyOfANewBlockIsSetAtOnce) {
    const auto with = [](config::NumaPolicy policy) {
        config::MemoryConfig m = ram0({0});
        m.numa.policy = policy;
        const auto inventory = one(block_of());
        RamPlacement placement({m});
        const Status s = placement.prepare(inventory);
        return s ? policy_of(inventory) : s.error().what();
    };
    EXPECT_EQ(with(config::NumaPolicy::Bind), "bind:0");
    EXPECT_EQ(with(config::NumaPolicy::Preferred), "prefer:0");
    EXPECT_EQ(with(config::NumaPolicy::Interleave), "interleave:0");
}

// Both generations map the file: the old one's policy stays until the new one has the guest.
TEST(RamPlacement, ABlockThatHoldsAGuestChangesWhenItIsOurs) {
    const auto old = one(block_of());
    old.blocks()[0].base()[0] = std::byte{1};
    const auto inventory = one(block_of(sys::dup(old.blocks()[0].fd.get()).value()));
    RamPlacement placement({ram0({0})});
    ASSERT_TRUE(placement.prepare(inventory));
    EXPECT_EQ(policy_of(old), "default");
    EXPECT_THAT(placement.apply(), IsEmpty());
    EXPECT_EQ(policy_of(inventory), "bind:0");
    EXPECT_EQ(policy_of(old), "bind:0") << "the policy is the file's";
    RamPlacement without({ram0()});
    ASSERT_TRUE(without.prepare(inventory));
    EXPECT_THAT(without.apply(), IsEmpty());
    EXPECT_EQ(policy_of(inventory), "default");
}

TEST(RamPlacement, ANodeThatIsNotThereIsNamed) {
    RamPlacement placement({ram0({0, 1023})});
    const auto s = placement.check();
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_THAT(s.error().what(), HasSubstr("RAM block 'ram0' is to lie on NUMA node 1023"));
    EXPECT_EQ(s.error().detail("block"), "ram0");
    const auto inventory = one(block_of());
    EXPECT_EQ(placement.prepare(inventory).code(), Code::Refused);
    EXPECT_EQ(policy_of(inventory), "default");
}

TEST(RamPlacement, ALockTakesNoMemory) {
    config::MemoryConfig m = ram0();
    m.lock = true;
    const auto inventory = one(block_of());
    RamPlacement placement({m});
    ASSERT_FALSE(is_locked(inventory));
    ASSERT_TRUE(placement.prepare(inventory));
    EXPECT_TRUE(is_locked(inventory));
    EXPECT_EQ(taken(inventory), 0u);
}

// In a child: root has no limit, and who has lowered it stays below.
TEST(RamPlacement, ALockThatTheHostRefusesNamesTheLimit) {
    config::MemoryConfig m = ram0();
    m.lock = true;
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit small = {kBytes / 2, kBytes / 2};
        const bool ready =
            ::setrlimit(RLIMIT_MEMLOCK, &small) == 0 && (::geteuid() != 0 || ::seteuid(65534) == 0);
        const Status s = RamPlacement({m}).check();
        const bool named = s.code() == Code::Refused &&
                           s.error().what().find("RLIMIT_MEMLOCK is 4M") != std::string::npos &&
                           s.error().way_out().find("LimitMEMLOCK") != std::string::npos;
        ::_exit(!ready ? 1 : !named ? 2 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "exit code " << WEXITSTATUS(status);
}

TEST(RamPlacement, PreallocationTakesAllOfItAndChangesNothing) {
    config::MemoryConfig m = ram0();
    const auto inventory = one(block_of());
    inventory.blocks()[0].base()[4096] = std::byte{7};
    ASSERT_TRUE(RamPlacement({m}).preallocate(inventory));
    EXPECT_EQ(taken(inventory), 4096u) << "nobody asked";
    m.prealloc = true;
    ASSERT_TRUE(RamPlacement({m}).preallocate(inventory));
    EXPECT_EQ(taken(inventory), kBytes);
    EXPECT_EQ(inventory.blocks()[0].base()[4096], std::byte{7});
}

// 8 MiB of a pool of 2 MiB more than others use.
TEST(RamPlacement, APoolOfHugePagesThatIsTooSmall) {
    const test::HugePages pool(1);
    ASSERT_TRUE(pool.there());
    config::MemoryConfig m = ram0();
    m.size = (pool.unused() + 3ull) << 21;
    m.prealloc = true;
    const auto s =
        RamPlacement({m}).preallocate(one(block_of({}, MFD_HUGETLB | MFD_HUGE_2MB, m.size)));
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_THAT(s.error().what(), HasSubstr("M: the pool of huge pages"));
    EXPECT_THAT(s.error().way_out(), HasSubstr("nr_hugepages"));
}

} // namespace
} // namespace segue::vmm

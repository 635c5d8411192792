// SPDX-License-Identifier: Apache-2.0
// sparse_test.cpp - what a guest has not touched takes no memory, however often it is moved.
#include <sys/stat.h>

#include <fstream>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

struct Taken {
    std::uint64_t file = 0; // bytes of the RAM's file that have pages
    std::uint64_t rss = 0;  // of them mapped by the VMM: RssShmem of proc(5)
};

Taken taken(const control::VmInfo& vm) {
    Taken t;
    struct stat s = {};
    EXPECT_EQ(::stat(vm.ram.at(0).path.c_str(), &s), 0);
    t.file = static_cast<std::uint64_t>(s.st_blocks) * 512;
    std::ifstream status("/proc/" + std::to_string(vm.pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("RssShmem:", 0) == 0)
            t.rss = std::stoull(line.substr(9)) << 10;
    return t;
}

using Sparse = UpdateTest;

TEST_F(Sparse, AGuestThatTouchedATenthOf4GiBDoesNotGrow) {
    test::GuestSpec spec = usual_spec();
    spec.mib = 4096;
    spec.set = {"guest.cmdline=vcpus=1 print=0 share=400M"};
    boot(spec);
    const Taken before = taken(vm_);
    EXPECT_GT(before.file, 400 * kMiB) << "it has touched its share";
    EXPECT_LT(before.file, 450 * kMiB);
    for (int i = 0; i < 20; ++i)
        ASSERT_NO_FATAL_FAILURE(move());
    ASSERT_TRUE(guest_->page().verify(patience()));
    EXPECT_EQ(guest_->page().errors(), "");
    const Taken after = taken(vm_);
    EXPECT_LT(after.file, before.file + 4 * kMiB);
    EXPECT_LT(after.rss, before.file + 4 * kMiB);
}

} // namespace
} // namespace segue::integration

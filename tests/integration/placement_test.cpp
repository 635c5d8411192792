// SPDX-License-Identifier: Apache-2.0
// placement_test.cpp - where the host keeps a guest's RAM is the same after an update by each mode;
// guests of several blocks.
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/integration/update_test.hpp"
#include "tests/support/threads.hpp"

namespace segue::integration {
namespace {

using testing::HasSubstr;

constexpr const char* kRam0 = "/memfd:segue:ram0"; // as /proc calls its mapping

std::string first_line_with(const std::string& text, const std::string& what) {
    const auto at = text.find(what);
    if (at == text.npos)
        return "";
    const auto start = text.rfind('\n', at) + 1; // npos + 1 is 0
    return text.substr(start, text.find('\n', at) - start);
}

// "bind:0": what numa_maps(5) says of the mapping of the file whose path holds `file`.
std::string numa_policy(pid_t pid, const std::string& file) {
    std::istringstream words(first_line_with(test::proc_text(pid, "numa_maps"), file));
    std::string address, policy;
    words >> address >> policy;
    return policy;
}

// KiB that smaps says are locked of it.
std::uint64_t locked(pid_t pid, const std::string& file) {
    const std::string smaps = test::proc_text(pid, "smaps");
    const auto at = smaps.find("Locked:", std::min(smaps.find(file), smaps.size()));
    return at == smaps.npos ? 0 : std::strtoull(smaps.c_str() + at + 7, nullptr, 10);
}

std::uint64_t taken(const control::RamInfo& ram) {
    struct stat s = {};
    EXPECT_EQ(::stat(ram.path.c_str(), &s), 0);
    return static_cast<std::uint64_t>(s.st_blocks) * 512;
}

class Placement : public UpdateTest, public testing::WithParamInterface<const char*> {
protected:
    // ram0 in a memfd: each mode that ends the process copies it, so that it is a new one.
    static test::GuestSpec spec(const std::string& memory) {
        test::GuestSpec s = spec_for(GetParam());
        s.backend = "memfd";
        s.memory = memory;
        return s;
    }
    // By its page in the file that it has now.
    void expect_unharmed() {
        auto page = test::GuestPage::open(vm_.ram.at(0), patience());
        ASSERT_TRUE(page) << page.error().what();
        EXPECT_TRUE(page->verify(patience()));
        EXPECT_EQ(page->errors(), "");
        EXPECT_EQ(page->boots(), 1u);
    }
};

INSTANTIATE_TEST_SUITE_P(Modes, Placement, every_mode(), mode_name);

TEST_P(Placement, NodesAndLockAreTheSame) {
    boot(spec("numa = { nodes = '0', policy = 'interleave' }\nlock = true"));
    EXPECT_EQ(numa_policy(vm_.pid, kRam0), "interleave:0");
    EXPECT_GE(locked(vm_.pid, kRam0), 4096u) << "less than the guest has touched";
    for (int i = 0; i < 2; ++i) {
        ASSERT_NO_FATAL_FAILURE(move());
        expect_unharmed(); // it has touched all of its share again
        EXPECT_EQ(numa_policy(vm_.pid, kRam0), "interleave:0");
        EXPECT_GE(locked(vm_.pid, kRam0), 4096u);
    }
}

TEST_P(Placement, AnotherOneBeginsWithTheUpdate) {
    boot(spec(""));
    EXPECT_EQ(numa_policy(vm_.pid, kRam0), "default");
    test::GuestSpec next = spec("numa = { nodes = '0' }\nlock = true\nprealloc = true");
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", next);
    ASSERT_NO_FATAL_FAILURE(move(request));
    expect_unharmed();
    EXPECT_EQ(numa_policy(vm_.pid, kRam0), "bind:0");
    EXPECT_GE(locked(vm_.pid, kRam0), 4096u);
    EXPECT_LT(taken(vm_.ram.at(0)), 32u << 20) << "the holes of a guest that runs are its own";
}

TEST_P(Placement, ANodeThatIsNotThereIsRefusedBeforeThePause) {
    boot(spec(""));
    const control::VmInfo old = vm_;
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", spec("numa = { nodes = '0,1023' }"));
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("RAM block 'ram0' is to lie on NUMA node 1023"));
    EXPECT_EQ(r.error->detail("phase"), "prepare");
    EXPECT_EQ(vm_.generation, old.generation);
    EXPECT_EQ(numa_policy(vm_.pid, kRam0), "default");
    expect_unharmed();
}

TEST_P(Placement, TwoBlocksOfDifferentBackEnds) {
    const TempDir folder;
    const bool copies = std::string(GetParam()) == "precopy" ||
                        std::string(GetParam()) == "postcopy"; // a file is one of both VMMs
    test::GuestSpec s =
        spec("[[memory]]\nid = \"ram1\"\nsize = \"16M\"\nbackend = " +
             (copies ? std::string("\"private\"")
                     : "\"file\"\noptions = { path = \"" + folder / "ram1" + "\" }"));
    s.mib = 16;
    s.set = {"guest.cmdline=vcpus=1 print=0"}; // all of both blocks
    boot(s);
    ASSERT_EQ(vm_.ram.size(), 2u);
    if (!copies) {
        EXPECT_GT(taken(vm_.ram.at(1)), 15u << 20) << "the guest has touched the second one";
    }
    for (int i = 0; i < 2; ++i) {
        ASSERT_NO_FATAL_FAILURE(move());
        expect_unharmed();
        ASSERT_EQ(vm_.ram.size(), 2u);
    }
}

using Rehearsed = UpdateTest;

TEST_F(Rehearsed, TheRunningGuestsPolicyStays) {
    const auto spec = [](const std::string& memory) {
        test::GuestSpec s = usual_spec();
        s.modes = {"cpr-transfer"};
        s.memory = memory;
        return s;
    };
    boot(spec(""));
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", spec("numa = { nodes = '0' }"));
    request.rehearse = true;
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(numa_policy(vm_.pid, kRam0), "default");
}

using Preallocated = UpdateTest;

TEST_F(Preallocated, AllOfItIsThereOnceTheGuestRuns) {
    test::GuestSpec spec = usual_spec();
    spec.memory = "prealloc = true";
    boot(spec);
    EXPECT_GE(taken(vm_.ram.at(0)), 64u << 20);
    EXPECT_TRUE(guest_->page().verify(patience()));
}

} // namespace
} // namespace segue::integration

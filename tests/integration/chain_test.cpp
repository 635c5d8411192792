// SPDX-License-Identifier: Apache-2.0
// chain_test.cpp - many updates of one guest, one after the other: it loses nothing, and nothing
// grows.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

// The release build where there is one, as `./dev test` makes it: that is what operators run.
std::string program(const std::string& path) {
    const std::string release = SEGUE_RELEASE "/";
    const bool whole = ::access((release + "bin/segue-vmm").c_str(), X_OK) == 0 &&
                       ::access((release + "demo/next/bin/segue-vmm").c_str(), X_OK) == 0;
    return (whole ? release : std::string(SEGUE_BUILD "/")) + path;
}

// Private memory without guest RAM, which is a memfd: RssAnon of proc(5), in KiB.
long private_kib(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("RssAnon:", 0) == 0)
            return std::stol(line.substr(8));
    return -1;
}

// The inodes of the files at `path` that are mapped: one that was made anew is another.
std::set<std::uint64_t> mapped(pid_t pid, const std::string& path) {
    std::set<std::uint64_t> inodes;
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::string range, rights, offset, device, name;
        std::uint64_t inode = 0;
        words >> range >> rights >> offset >> device >> inode >> name;
        if (name == path)
            inodes.insert(inode);
    }
    return inodes;
}

// Each mode follows itself and both others: all nine pairs in nine updates. An odd number, so that
// in eighteen each pair was tried from both versions.
constexpr const char* kModes[] = {"cpr-transfer", "cpr-transfer", "cpr-exec",
                                  "cpr-exec",     "cpr-reboot",   "cpr-reboot",
                                  "cpr-transfer", "cpr-reboot",   "cpr-exec"};

// Of each mode: how often, and for how long the guest stood still by the engine's account.
void print_blackouts(const std::vector<report::UpdateRecord>& journal) {
    std::map<std::string, std::vector<std::chrono::nanoseconds>> all;
    for (const report::UpdateRecord& r : journal)
        all[r.mode].push_back(r.blackout);
    for (auto& [mode, times] : all) {
        std::sort(times.begin(), times.end());
        const auto us = [](auto t) {
            return std::chrono::duration_cast<std::chrono::microseconds>(t).count();
        };
        std::cout << mode << ": " << times.size() << " updates, blackout median "
                  << us(times[times.size() / 2]) << " us, longest " << us(times.back()) << " us\n";
    }
}

class Chain : public UpdateTest {
protected:
    // Whether something was lost by now.
    void check_guest() {
        const auto& page = guest_->page();
        const auto now = page.counters();
        for (std::size_t i = 0; i < now.size(); ++i)
            EXPECT_GT(now[i], counters_[i]) << "vCPU " << i;
        counters_ = now;
        EXPECT_EQ(page.errors(), "");
        EXPECT_EQ(page.boots(), 1u);
        EXPECT_EQ(mapped(vm_.pid, *guest_ / "ram0"), std::set<std::uint64_t>{inode_});
    }

    std::vector<std::uint64_t> counters_ = std::vector<std::uint64_t>(2);
    std::uint64_t inode_ = 0;
};

// A guest as configs/three-modes.toml has it.
TEST_F(Chain, LosesNothingAndNothingGrows) {
    const std::size_t updates = std::getenv("SEGUE_FULL") != nullptr ? 100 : 20;
    constexpr long kHugePage = 2048;    // KiB: the kernel gives the heap one, or not
    constexpr std::size_t settled = 10; // by the same mode as the last one, and to the same version
    test::GuestSpec spec = usual_spec();
    spec.vcpus = 2;
    spec.modes = {"cpr-transfer", "cpr-exec", "cpr-reboot"};
    spec.backend = "file";
    spec.at_rest = "transport = 'file'";
    spec.vmm = program("bin/segue-vmm");
    const std::string next = program("demo/next/bin/segue-vmm");
    boot(spec);
    inode_ = vm_.ram.at(0).inode;
    test::Holdings held;
    long memory = 0;
    for (std::size_t i = 1; i <= updates; ++i) {
        const char* mode = kModes[(i - 1) % std::size(kModes)];
        // Between two versions, as in life; an update back is an update like any other.
        ASSERT_NO_FATAL_FAILURE(move({mode, i % 2 == 1 ? next : spec.vmm, ""})) << "update " << i;
        ASSERT_TRUE(guest_->page().counts(patience())) << "update " << i;
        check_guest();
        ASSERT_FALSE(HasFailure()) << "update " << i << " by " << mode;
        if (i == settled) {
            held = guest_->holdings(vm_.pid);
            memory = private_kib(vm_.pid);
        }
    }
    EXPECT_TRUE(guest_->page().verify(patience()));
    check_guest();
    const auto now = [&] { return guest_->holdings(vm_.pid); };
    EXPECT_EQ(test::lasting_difference(held, now, Deadline::in(std::chrono::seconds(10))), "");
    EXPECT_LT(private_kib(vm_.pid), memory + memory / 10 + kHugePage);
    EXPECT_THAT(guest_->processes_until({vm_.pid}, patience()), testing::ElementsAre(vm_.pid));
    const auto journal = guest_->journal();
    EXPECT_EQ(journal.size(), updates);
    for (const report::UpdateRecord& r : journal)
        EXPECT_EQ(r.from_pid == r.to_pid, r.mode == "cpr-exec") << r.id;
    print_blackouts(journal);
}

TEST_F(Chain, TheJournalHasOneLineAnUpdateWithBothHalves) {
    boot();
    std::vector<std::int32_t> pids = {vm_.pid};
    for (int i = 0; i < 3; ++i) {
        ASSERT_NO_FATAL_FAILURE(move({"", i == 0 ? SEGUE_VMM_NEXT : SEGUE_VMM, ""}));
        pids.push_back(vm_.pid);
    }
    const auto journal = guest_->journal();
    ASSERT_EQ(journal.size(), 3u);
    for (std::size_t i = 0; i < journal.size(); ++i) {
        const report::UpdateRecord& r = journal[i];
        EXPECT_EQ(r.from_generation, i + 1);
        EXPECT_EQ(r.from_pid, pids[i]);
        EXPECT_EQ(r.to_pid, pids[i + 1]);
        std::vector<report::Phase> phases;
        for (const report::PhaseTime& p : r.phases)
            phases.push_back(p.phase);
        using report::Phase;
        EXPECT_THAT(phases, testing::ElementsAre(Phase::Preflight, Phase::Prepare, Phase::Copy,
                                                 Phase::Pause, Phase::Handover, Phase::Commit,
                                                 Phase::Retire));
        EXPECT_GT(r.state_bytes, 0u);
        EXPECT_GT(r.blackout.count(), 0);
    }
    EXPECT_NE(journal[0].from_version, journal[0].to_version);
}

} // namespace
} // namespace segue::integration

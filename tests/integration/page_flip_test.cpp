// SPDX-License-Identifier: Apache-2.0
// page_flip_test.cpp - a guest in private RAM goes to a new VMM without twice the memory: nothing
// of it is lost, wherever that ends, and its next updates are in place.
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <random>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"
#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

using report::UpdateStatus;
using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1u << 20;
constexpr const char* kAllShared = "of RAM are shared memory now"; // the log, when none is left

// Guest RAM as `pid` has it: what is private of it, and the file that it moves to.
struct RamOf {
    std::uintptr_t begin = 0;
    std::uint64_t bytes = 0;
    int pid = 0;

    // The anonymous mapping of that size.
    static RamOf find(int pid, std::uint64_t bytes) {
        std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
        for (std::string line; std::getline(maps, line);) {
            std::uintptr_t from = 0, to = 0;
            if (std::sscanf(line.c_str(), "%lx-%lx rw-p 00000000 00:00 0", &from, &to) == 2 &&
                to - from == bytes)
                return {from, bytes, pid};
        }
        return {};
    }
    std::vector<std::byte> content() const {
        std::vector<std::byte> all(bytes);
        const auto mem = sys::open("/proc/" + std::to_string(pid) + "/mem", O_RDONLY);
        EXPECT_TRUE(mem && sys::pread_all(mem->get(), all, begin));
        return all;
    }
    std::uint64_t private_bytes() const {
        std::ifstream smaps("/proc/" + std::to_string(pid) + "/smaps");
        std::uintptr_t from = 0, to = 0;
        std::uint64_t kib = 0, all = 0;
        for (std::string line; std::getline(smaps, line);)
            if (std::sscanf(line.c_str(), "Anonymous: %lu", &kib) == 1)
                all += from >= begin && to <= begin + bytes ? kib * 1024 : 0;
            else
                (void)std::sscanf(line.c_str(), "%lx-%lx ", &from, &to);
        return all;
    }
    // Of the memfds that the process has open.
    std::uint64_t shared_bytes() const {
        std::uint64_t all = 0;
        std::error_code gone;
        for (const auto& fd :
             std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
            struct stat st = {};
            if (std::filesystem::read_symlink(fd, gone).string().find("/memfd:segue:ram") == 0 &&
                ::stat(fd.path().c_str(), &st) == 0)
                all += static_cast<std::uint64_t>(st.st_blocks) * 512;
        }
        return all;
    }
};

class PageFlip : public UpdateTest {
protected:
    static test::GuestSpec spec(const std::string& options = "") {
        test::GuestSpec s = spec_for("page-flip");
        s.modes = {"page-flip", "cpr-transfer", "precopy"};
        s.data = "transport = 'unix'";
        s.vcpus = 2;
        s.backend = "private";
        s.mib = 64;
        s.memory = "";
        s.mode_options = options;
        return s;
    }
    // Its page is to be seen throughout: in a small block beside the private one. Each vCPU
    // verifies a share, the first one's in the one and the second one's in the other.
    static test::GuestSpec in_two_blocks(const std::string& options = "") {
        const test::GuestSpec blocks = spec_for("page-flip");
        test::GuestSpec s = spec(options);
        s.backend = blocks.backend;
        s.mib = blocks.mib;
        s.memory = blocks.memory;
        return s;
    }
    // Which takes so long to move that a cancel comes in between.
    static std::string large() {
        return "[[memory]]\nid = 'ram1'\nsize = '512M'\nbackend = 'private'";
    }
    // All of it is touched and verified.
    static test::GuestSpec full(test::GuestSpec s) {
        s.set = {"guest.cmdline=vcpus=2 print=0 share=0"};
        return s;
    }
    void expect_unharmed() {
        const Status verified = guest_->page().verify(patience());
        EXPECT_TRUE(verified) << verified.error().what();
        EXPECT_EQ(guest_->page().errors(), "");
        EXPECT_EQ(guest_->page().boots(), 1u);
    }
    void flip() {
        ASSERT_NO_FATAL_FAILURE(move());
        const Status there = guest_->follow();
        ASSERT_TRUE(there) << there.error().what();
        expect_unharmed();
    }
    std::string begin() {
        const auto started = guest_->client().start_update({});
        EXPECT_TRUE(started) << started.error().what();
        return started ? started->id : "";
    }
    bool has_shared_parts(const std::string& block) const {
        std::ifstream maps("/proc/" + std::to_string(vm_.pid) + "/maps");
        for (std::string line; std::getline(maps, line);)
            if (line.find("/memfd:segue:" + block) != std::string::npos)
                return true;
        return false;
    }
    report::UpdateRecord over(const std::string& id) const {
        Result<report::UpdateRecord> r = report::UpdateRecord{};
        EXPECT_TRUE(comes_true([&] {
            r = guest_->client().update(id);
            return r && report::is_final(r->status);
        }));
        return r ? *r : report::UpdateRecord{};
    }
};

TEST_F(PageFlip, PrivateRamBecomesSharedAndTheNextUpdatesAreInPlace) {
    boot(spec());
    EXPECT_EQ(vm_.ram.at(0).path, "") << "nobody can see it";
    ASSERT_NO_FATAL_FAILURE(flip());
    EXPECT_EQ(vm_.ram.at(0).backend, "private");
    const std::uint64_t inode = vm_.ram.at(0).inode;
    for (const char* mode : {"cpr-transfer", "page-flip", "cpr-transfer"}) {
        ASSERT_NO_FATAL_FAILURE(move({mode, "", ""}));
        expect_unharmed();
        EXPECT_EQ(vm_.ram.at(0).inode, inode);
    }
}

TEST_F(PageFlip, EveryPageIsTheSameAfterwards) {
    boot(spec());
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    const RamOf ram = RamOf::find(vm_.pid, 64 * kMiB);
    ASSERT_NE(ram.begin, 0u);
    const auto before = ram.content();
    ASSERT_NO_FATAL_FAILURE(move());
    std::vector<std::byte> after(before.size());
    const auto file = sys::open(vm_.ram.at(0).path, O_RDONLY);
    ASSERT_TRUE(file && sys::pread_all(file->get(), after, vm_.ram.at(0).offset));
    EXPECT_TRUE(before == after);
    ASSERT_TRUE(guest_->client().resume());
    ASSERT_TRUE(guest_->follow());
    expect_unharmed();
}

TEST_F(PageFlip, BesideRamThatIsSharedAlready) {
    boot(in_two_blocks());
    const std::uint64_t inode = vm_.ram.at(0).inode;
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    EXPECT_EQ(vm_.ram.at(0).inode, inode);
    EXPECT_NE(vm_.ram.at(1).inode, 0u);
    ASSERT_NO_FATAL_FAILURE(move({"cpr-transfer", "", ""}));
    expect_unharmed();
}

TEST_F(PageFlip, WhatTheGuestHasNotTouchedTakesNoMemory) {
    test::GuestSpec s = spec();
    s.mib = 2048;
    boot(s);
    ASSERT_NO_FATAL_FAILURE(flip());
    struct stat st = {};
    ASSERT_EQ(::stat(vm_.ram.at(0).path.c_str(), &st), 0);
    EXPECT_LT(st.st_blocks / 2048, 64) << "MiB";
}

// Over both processes: a page is private or in the file, which both have.
TEST_F(PageFlip, AFullGuestTakesItsRamOnceThroughout) {
    test::GuestSpec s = full(spec());
    s.mib = 512;
    boot(s);
    const RamOf ram = RamOf::find(vm_.pid, s.mib * kMiB);
    ASSERT_NE(ram.begin, 0u);
    ASSERT_TRUE(comes_true([&] { return ram.private_bytes() > 490 * kMiB; })) << "it is not full";
    std::atomic<bool> ended = false;
    std::uint64_t most = 0, samples = 0;
    std::thread sampler([&] {
        for (; !ended; ++samples) // the private part first: what moves meanwhile counts twice
            most = std::max(most, ram.private_bytes() + ram.shared_bytes());
    });
    const report::UpdateRecord r = over(begin());
    ended = true;
    sampler.join();
    EXPECT_EQ(r.status, UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_GT(samples, 5u);
    EXPECT_GT(most, 490 * kMiB);
    EXPECT_LE(most, (s.mib + 64) * kMiB);
    ::waitpid(vm_.pid, nullptr, 0);
    vm_ = vm();
    ASSERT_TRUE(guest_->follow());
    expect_unharmed();
}

TEST_F(PageFlip, OneThatIsCancelledGoesOnFromThereTheNextTime) {
    test::GuestSpec s = full(in_two_blocks("chunk_stop = '100us'"));
    s.memory = large();
    boot(s);
    const std::string id = begin();
    ASSERT_TRUE(comes_true([&] { return has_shared_parts("ram1"); }));
    const Status cancelled = guest_->client().cancel_update();
    EXPECT_TRUE(cancelled) << cancelled.error().what();
    EXPECT_EQ(over(id).status, UpdateStatus::Cancelled);
    EXPECT_EQ(vm().pid, vm_.pid);
    ASSERT_THAT(guest_->log(), testing::Not(HasSubstr(kAllShared)));
    EXPECT_TRUE(guest_->page().counts(patience()));

    const report::UpdateRecord refused = update({"cpr-transfer", "", ""});
    ASSERT_EQ(refused.status, UpdateStatus::Failed);
    EXPECT_THAT(refused.error->what(), HasSubstr("RAM block 'ram1' (memory/private) does not"));
    EXPECT_EQ(refused.error->detail("phase"), "preflight");

    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    ASSERT_NO_FATAL_FAILURE(move({"cpr-transfer", "", ""}));
}

TEST_F(PageFlip, AfterOneThatWasCancelledTheGuestCanBeCopiedAsWell) {
    test::GuestSpec s = in_two_blocks("chunk_stop = '100us'");
    s.memory = large() + "\nprealloc = true";
    s.set = {"update.options.precopy.converge=switch"}; // on however slow a machine
    boot(s);
    const std::string id = begin();
    ASSERT_TRUE(comes_true([&] { return has_shared_parts("ram1"); }));
    ASSERT_TRUE(guest_->client().cancel_update());
    ASSERT_EQ(over(id).status, UpdateStatus::Cancelled);
    ASSERT_THAT(guest_->log(), testing::Not(HasSubstr(kAllShared)));
    vm_ = vm();
    ASSERT_NO_FATAL_FAILURE(move({"precopy", "", ""}));
    expect_unharmed();
}

TEST_F(PageFlip, ARehearsalConvertsAllAndTheGuestStays) {
    boot(in_two_blocks());
    control::UpdateRequest request;
    request.rehearse = true;
    const pid_t before = vm_.pid;
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(vm_.pid, before);
    EXPECT_THAT(guest_->log(), HasSubstr(std::string("48 MiB ") + kAllShared));
    expect_unharmed();
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
}

TEST_F(PageFlip, LockedRamIsRefusedByName) {
    test::GuestSpec s = in_two_blocks();
    s.memory += "\nlock = true";
    boot(s);
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("RAM block 'ram1' (memory/private) cannot become"));
    EXPECT_THAT(r.error->what(), HasSubstr("locked"));
    EXPECT_THAT(r.error->way_out(), HasSubstr("memory.lock = false"));
    EXPECT_EQ(r.error->detail("phase"), "preflight");
    expect_unharmed();
}

// At any moment of an update, which takes up to `kSpan`; who is left is right by what it was.
class PageFlipKilled : public PageFlip {
protected:
    static constexpr int kTimes = 6;
    static constexpr int kSpanMs = 900; // with sanitizers, most of it in the new process's start
    void begin_and_wait() {
        boot(in_two_blocks("chunk_stop = '100us'"));
        id_ = begin();
        static std::minstd_rand random(std::random_device{}());
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % kSpanMs));
    }
    std::vector<pid_t> others() const {
        std::vector<pid_t> all = guest_->processes();
        std::erase(all, vm_.pid);
        return all;
    }
    std::string id_;
};

TEST_F(PageFlipKilled, TheTargetTakesNothingWithItBeforeItHasTheGuest) {
    for (int i = 0; i < kTimes; ++i) {
        ASSERT_NO_FATAL_FAILURE(begin_and_wait());
        for (const pid_t pid : others())
            ::kill(pid, SIGKILL);
        const auto r = guest_->client().update(id_);
        if (!r) // it had the guest already: a crash of its owner
            continue;
        EXPECT_TRUE(comes_true([&] {
            const auto now = guest_->client().vm();
            return !now || now->state == report::RunState::Running;
        }));
        const auto now = guest_->client().vm();
        if (now && now->pid == vm_.pid) {
            expect_unharmed();
        }
    }
}

TEST_F(PageFlipKilled, WithTheSourceTheGuestEndsOrIsWithTheTarget) {
    for (int i = 0; i < kTimes; ++i) {
        ASSERT_NO_FATAL_FAILURE(begin_and_wait());
        ::kill(vm_.pid, SIGKILL);
        ::waitpid(vm_.pid, nullptr, 0);
        bool moved = false;
        ASSERT_TRUE(comes_true([&] {
            const auto now = guest_->client().vm();
            moved = now && now->pid != vm_.pid && now->state == report::RunState::Running;
            return moved || guest_->processes().empty();
        }));
        if (moved) {
            expect_unharmed();
        }
    }
}

} // namespace
} // namespace segue::integration

// SPDX-License-Identifier: Apache-2.0
// postcopy_recovery_test.cpp - between a cable that is cut and the connections that take its place:
// a guest that runs on, a cable that is cut again, and a VMM that dies.
#include <unistd.h>

#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/observer/page.h"
#include "tests/fault/postcopy_hosts_test.hpp"

namespace segue::fault {
namespace {

// RAM that is full, and that the guest does not touch.
class PostcopyIdleRam : public PostcopyHosts {
protected:
    static constexpr off_t kIdle = 48 << 20;           // behind what both vCPUs walk
    static constexpr std::size_t kIdleBytes = 2 << 20; // half a minute

    static UniqueFd ram_of(const test::Guest& g) {
        const auto vm = g.client().vm();
        EXPECT_TRUE(vm) << vm.error().what();
        auto ram = sys::open(vm->ram.at(0).path, O_RDWR);
        EXPECT_TRUE(ram) << ram.error().what();
        return std::move(*ram);
    }
    static std::vector<char> idle_bytes() {
        std::vector<char> all(kIdleBytes);
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = static_cast<char>(i / 4096 % 251 + 1);
        return all;
    }
    void fill() {
        const auto bytes = idle_bytes();
        ASSERT_EQ(::pwrite(ram_of(a_).get(), bytes.data(), bytes.size(), kIdle),
                  static_cast<ssize_t>(bytes.size()));
    }
    void expect_filled(const test::Guest& g) {
        std::vector<char> found(kIdleBytes);
        ASSERT_EQ(::pread(ram_of(g).get(), found.data(), found.size(), kIdle),
                  static_cast<ssize_t>(found.size()));
        EXPECT_EQ(found, idle_bytes());
    }
    // To look at a page that has not come would put one of zeros in its place.
    static bool shows(const test::Guest& g) {
        return ::lseek(ram_of(g).get(), SEGUE_PAGE_GPA, SEEK_DATA) == SEGUE_PAGE_GPA;
    }
};

TEST_F(PostcopyIdleRam, AGuestThatHasWhatItTouchesRunsOnWhileBothWait) {
    fill();
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_TRUE(comes_true([&] { return state(b_) == RunState::Running && shows(b_); }));
    ASSERT_TRUE(b_.follow());
    const Status touched = b_.page().verify(patience()); // all of its shares
    ASSERT_TRUE(touched) << touched.error().what();
    ASSERT_NO_FATAL_FAILURE(cut_until_paused());
    EXPECT_GT(b_.client().update(id_)->ram_bytes_left, 0u);
    const Status runs = b_.page().verify(patience());
    EXPECT_TRUE(runs) << runs.error().what();
    expect_a_stands_still();
    EXPECT_EQ(status(a_, id_), UpdateStatus::PostcopyPaused);
    EXPECT_EQ(status(b_, id_), UpdateStatus::PostcopyPaused);
    EXPECT_EQ(state(b_), RunState::Running);
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completed());
    expect_filled(b_);
}

// The old host has heard that the guest runs there, and its answer is lost: nobody comes any more
// to where the update came in, and somebody waits there.
TEST_F(PostcopyHosts, WhoDoesNotKnowThatItWasHeardIsRecoveredAtTheUsualAddress) {
    ASSERT_TRUE(a_.client().pause());
    cable_->delay(std::chrono::milliseconds(300));
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_TRUE(comes_to(b_, UpdateStatus::PostcopyActive));
    cable_->cut_from(Host::A);
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyActive)) << "it was not heard";
    ASSERT_NO_FATAL_FAILURE(cut_until_paused());
    cable_->delay(std::chrono::milliseconds(0));
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completes());
}

// Some of the new connections are there, or all of them, and no page has come over any.
class PostcopyReached : public PostcopyHosts, public testing::WithParamInterface<unsigned> {
protected:
    void recover_until_reached() {
        ASSERT_NO_FATAL_FAILURE(begin_slowly());
        ASSERT_NO_FATAL_FAILURE(cut_until_paused());
        cable_->mend();
        cable_->delay(std::chrono::milliseconds(300)); // what follows them is on its way meanwhile
        ASSERT_NO_FATAL_FAILURE(recover());
        ASSERT_TRUE(comes_true([&] { return connections() >= GetParam(); }));
        EXPECT_EQ(status(b_, id_), UpdateStatus::PostcopyRecover);
    }
    // From A to where B waits, that are up.
    unsigned connections() const {
        unsigned n = 0;
        cable_->on(Host::B, [&n] {
            std::ifstream all("/proc/thread-self/net/tcp");
            for (std::string line; std::getline(all, line);)
                if (line.find(":115C 01005B0A:") != line.npos && line.find(" 01 ") != line.npos)
                    ++n;
        });
        return n;
    }
};

TEST_P(PostcopyReached, CutAgainItIsRecoveredAgain) {
    ASSERT_NO_FATAL_FAILURE(recover_until_reached());
    cable_->cut();
    cable_->delay(std::chrono::milliseconds(0));
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completes());
}

TEST_P(PostcopyReached, WithoutTheOldHostTheGuestWaitsUntilItIsEnded) {
    ASSERT_NO_FATAL_FAILURE(recover_until_reached());
    kill(a_);
    ASSERT_TRUE(b_.client().resume()); // and waits for ever
    EXPECT_FALSE(report::is_final(status(b_, id_)));
    ASSERT_TRUE(b_.client().quit());
    EXPECT_TRUE(comes_true([&] { return gone(b_); }));
}

TEST_P(PostcopyReached, WithoutTheNewHostTheOldOneWaitsUntilItIsEnded) {
    ASSERT_NO_FATAL_FAILURE(recover_until_reached());
    kill(b_);
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
    ASSERT_TRUE(a_.client().quit());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    EXPECT_TRUE(comes_true([&] { return gone(a_); }));
}

INSTANTIATE_TEST_SUITE_P(Fault, PostcopyReached, testing::Values(1u, 5u), [](const auto& n) {
    return n.param == 1 ? "OverOneConnection" : "OverAllConnections";
});

} // namespace
} // namespace segue::fault

// SPDX-License-Identifier: Apache-2.0
// A start that stands by while its owner still has the guest.
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>

#include "core/update/at_rest_test.hpp"

namespace segue::update {
namespace {

// The owner is a process of its own, so that a holder can see its end.
class UpdateHeld : public AtRest {
protected:
    UpdateHeld()
        : AtRest(true) {
        launcher_.holder = [this](UniqueFd stream) { return hold(std::move(stream)); };
    }
    // What the holder finds; 0: all of it.
    int hold(UniqueFd stream) {
        Image image("new", dir_.path().string(), true);
        image.guest.identity = identity_;
        const Status s = image.take(from_holder(Stream(std::move(stream))));
        int found = 0;
        if (!s)
            found = image.vcpus.running ? 9 : s.code() == Code::Closed ? 2 : 3;
        else if (image.machine.reg != 0x600d || image.run.state() != RunState::Running)
            found = 4;
        else if (image.inventory.find("control") < 0 || !image.holds)
            found = 5;
        else if (image.inventory.blocks().at(0).base()[4096] != std::byte{0x5a})
            found = 6;
        else if (image.ownership->word() != Word{2, 1, Owner::Owned})
            found = 7;
        else if (image.record.unanswered.count() == 0 ||
                 image.record.status != report::UpdateStatus::Completed)
            found = 8;
        (void)sys::write_all(told_[1].get(), std::as_bytes(std::span(&found, 1))).ok();
        return found;
    }
    // Of the owner's update, in a process that ends after it; what its holder found.
    int holder_of_update() {
        const pid_t owner = ::fork();
        if (owner == 0) {
            update();
            ::_exit(0);
        }
        int found = -1;
        EXPECT_TRUE(Waiter{Deadline::in(std::chrono::seconds(30))}.until(told_[0].get(), POLLIN));
        ::waitpid(owner, nullptr, 0); // its holder is ours then
        reap();
        EXPECT_EQ(::read(told_[0].get(), &found, sizeof found), ssize_t{sizeof found});
        return found;
    }

    // Waits for the end of what this test has brought into being. `signal` 0: none.
    void reap(int signal = 0) const {
        for (const pid_t pid : test::children_of(::getpid()))
            if (std::find(others_.begin(), others_.end(), pid) == others_.end()) {
                ::kill(pid, signal);
                ::waitpid(pid, nullptr, 0);
            }
    }

    config::Identity identity_ = {{"guest.vcpus", "2"}};
    UniqueFd told_[2] = {};

    void TearDown() override {
        ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
        reap(SIGKILL);
    }
    void SetUp() override {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); // of a holder whose owner has gone
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        told_[0].reset(ends[0]);
        told_[1].reset(ends[1]);
    }
};

TEST_F(UpdateHeld, TheHolderHasTheGuestOnceItsOwnerIsGone) {
    EXPECT_EQ(holder_of_update(), 0);
    EXPECT_EQ(old_.ownership->word(), (Word{2, 1, Owner::Owned}));
    EXPECT_NE(::access((dir_ / "main").c_str(), F_OK), 0) << "the state was left behind";
}

TEST_F(UpdateHeld, AnOwnerThatDiesBeforeItsOfferTakesTheGuestAlong) {
    old_.script.on("old machine save", []() -> Status { ::_exit(9); });
    EXPECT_EQ(holder_of_update(), 2);
    EXPECT_EQ(old_.ownership->word(), (Word{1, 0, Owner::Owned}));
}

TEST_F(UpdateHeld, AHolderThatDiesAfterTheOfferLeavesAStateToStart) {
    launcher_.holder = [this](UniqueFd stream) {
        Image image("new", dir_.path().string(), true);
        image.script.on("new machine load", [this]() -> Status {
            const int found = 1;
            (void)sys::write_all(told_[1].get(), std::as_bytes(std::span(&found, 1))).ok();
            ::_exit(9);
        });
        image.guest.identity = identity_;
        return image.take(from_holder(Stream(std::move(stream)))) ? 0 : 1;
    };
    EXPECT_EQ(holder_of_update(), 1);
    EXPECT_EQ(old_.ownership->word(), (Word{1, 1, Owner::Offered}));
    Image fresh("new", dir_.path().string(), true);
    const Status started = fresh.take(from_rest(dir_ / "owner"));
    EXPECT_TRUE(started) << started.error().what();
}

TEST_F(UpdateHeld, AHolderOfAnotherGuestIsHeardBeforeThePause) {
    identity_ = {{"guest.vcpus", "4"}};
    const auto record = update();
    expect_unharmed(record);
    EXPECT_NE(record.error->what().find("guest.vcpus"), std::string::npos) << record.error->what();
    EXPECT_EQ(old_.script.count("old vcpus stop"), 0);
}

TEST_F(UpdateHeld, AHolderWhoseOwnerTookTheGuestBackIsEnded) {
    old_.plugins.damage = "middle";
    expect_unharmed(update());
    EXPECT_FALSE(old_.frontend.held);
    EXPECT_EQ(test::children_of(::getpid()), others_) << "a process was left";
}

} // namespace
} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// Mode page-flip between two sides on fake ports: RAM without a descriptor crosses by those of the
// converter, the guest stands still for each piece, and can stay at any of them.
#include <sys/mman.h>

#include "core/inventory/ram.hpp"
#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

class Converting : public TwoSides {
protected:
    Converting() {
        plugins_.options = new_options_ = {{"mode", "mode/page-flip"}};
        auto own = inventory::stand_in("ram1", kBytes);
        own->map_flags = MAP_PRIVATE | MAP_ANONYMOUS;
        EXPECT_TRUE(own && inventory_.add(std::move(*own)));
        EXPECT_TRUE(sys::truncate(file_.get(), kBytes));
        EXPECT_TRUE(sys::seal(file_.get(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
        ram_converter_.fds = {-1, file_.get()};
        ram_converter_.pieces = 3;
    }
    // In the second piece of three.
    void in_the_middle(std::function<Status()> act) {
        script_.on("old ram-converter convert", [this, act = std::move(act)]() -> Status {
            return script_.count("old ram-converter convert") == 2 ? act() : Status();
        });
    }
    void expect_stopped_before(const char* verb) {
        EXPECT_EQ(script_.count("old ram-converter stop"), 1) << "its memory is held";
        EXPECT_EQ(script_.count(verb), 0) << verb;
    }
    static constexpr std::uint64_t kBytes = 1u << 20;
    UniqueFd file_ = sys::memfd("converted", MFD_ALLOW_SEALING).value();
};

TEST_F(Converting, TheNewSideGetsWhatTheOldOneFilled) {
    EXPECT_TRUE(sys::pwrite_all(file_.get(), std::as_bytes(std::span("filled")), 4096));
    const report::UpdateRecord r = update();
    expect_moved(r);
    const inventory::RamBlock& there = candidate().inventory.blocks().at(1);
    EXPECT_EQ(inventory::FileId::of(there.fd.get())->inode,
              inventory::FileId::of(file_.get())->inode);
    EXPECT_STREQ(reinterpret_cast<const char*>(there.base() + 4096), "filled");
    EXPECT_NE(there.survives & SEGUE_SURVIVES_TRANSFER, 0u) << "the next update is in place";
    EXPECT_EQ(script_.count("old ram-converter convert"), 3);
    EXPECT_EQ(r.copy.value().total, 3 * 4096u);
}

TEST_F(Converting, TheGuestStandsStillForEachPieceAndRunsInBetween) {
    unsigned stood = 0, ran = 0;
    script_.on("old ram-converter convert", [&]() -> Status {
        stood += !vcpus_.running && !devices_.working;
        return {};
    });
    script_.on("old ram-converter ready", [&]() -> Status {
        ran += vcpus_.running && devices_.working;
        return {};
    });
    expect_moved(update());
    EXPECT_EQ(stood, 3u);
    EXPECT_EQ(ran, 4u);
    EXPECT_EQ(script_.count("old vcpus stop"), 4) << "and once for the update";
    EXPECT_LT(script_.first("new machine rehearse"), script_.first("old ram-converter ready"));
}

TEST_F(Converting, OneThatIsPausedStaysPaused) {
    pause_by_hand();
    const auto stops = script_.count("old vcpus stop");
    expect_moved(update(), report::RunState::Paused);
    EXPECT_EQ(script_.count("old vcpus stop"), stops);
}

TEST_F(Converting, APieceThatFailsLeavesTheGuestHere) {
    in_the_middle([] { return Error(Code::Refused, "no memory"); });
    expect_unharmed(update(), "copy");
    EXPECT_EQ(script_.count("old ram-converter convert"), 2);
    expect_stopped_before("new machine load");
}

TEST_F(Converting, ACancelEndsItBetweenTwoPieces) {
    in_the_middle([this]() -> Status {
        sys::signal_event(cancel_.get());
        return {};
    });
    const report::UpdateRecord r = update();
    expect_unharmed(r, "copy");
    EXPECT_EQ(r.status, report::UpdateStatus::Cancelled);
    EXPECT_EQ(script_.count("old ram-converter convert"), 2);
    expect_stopped_before("new machine load");
}

TEST_F(Converting, ACandidateThatDiesMeanwhileLeavesTheGuestHere) {
    in_the_middle([this]() -> Status {
        (void)candidate().die().code();
        return {};
    });
    expect_unharmed(update(), "copy");
    expect_stopped_before("new machine load");
}

TEST_F(Converting, DevicesThatDoNotSettleOrVcpusThatDoNotStopLeaveTheGuestHere) {
    for (const char* verb : {"old devices settle", "old vcpus stop", "old devices quiesce"}) {
        SCOPED_TRACE(verb);
        script_.clear();
        script_.fail(verb);
        expect_unharmed(update(), "copy");
        expect_stopped_before("old ram-converter convert");
    }
}

TEST_F(Converting, ThatItCannotBeIsKnownBeforeAnythingIsStarted) {
    script_.fail("old ram-converter check");
    expect_unharmed(update(), "preflight");
    EXPECT_EQ(script_.count("old ram-converter start"), 0);
    EXPECT_EQ(script_.count("old launcher start"), 0);
}

TEST_F(Converting, ThatItDoesNotStartFailsTheUpdate) {
    script_.fail("old ram-converter start");
    expect_unharmed(update(), "prepare");
    EXPECT_EQ(script_.count("old launcher start"), 0);
}

TEST_F(Converting, AModeThatDoesNotAskForItIsRefusedSuchRam) {
    plugins_.options = new_options_ = {};
    const report::UpdateRecord r = update();
    expect_unharmed(r, "preflight");
    EXPECT_EQ(r.error->detail("block"), "ram1");
    EXPECT_EQ(script_.count("old ram-converter check"), 0);
}

} // namespace
} // namespace segue::update

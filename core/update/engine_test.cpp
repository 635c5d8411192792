// SPDX-License-Identifier: Apache-2.0
// The engine around an update: one at a time, cancel, and plugins that do not come back.
#include "core/update/engine.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/state/inspect.hpp"
#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

using report::Phase;
using report::UpdateStatus;
using std::chrono::milliseconds;

class EngineTest : public TwoSides {
protected:
    Engine& engine() {
        if (!engine_)
            engine_ = std::make_unique<Engine>(
                context(), [this](Left) { gone_ = true; }, std::vector<report::UpdateRecord>{});
        return *engine_;
    }
    report::UpdateRecord run_to_the_end() {
        const auto started = engine().start(request_);
        EXPECT_TRUE(started) << started.error().what();
        wait_until([this] { return !engine().running(); });
        return engine().latest().value();
    }
    template <class F>
    static void wait_until(F f) {
        const Deadline limit = Deadline::in(std::chrono::seconds(20));
        bool is_so = f();
        for (; !is_so && !limit.passed(); is_so = f())
            std::this_thread::sleep_for(milliseconds(1));
        EXPECT_TRUE(is_so);
    }
    void wait_for(Phase p) {
        wait_until([this, p] {
            const auto last = engine().latest();
            return last && !last->phases.empty() && last->phases.back().phase == p;
        });
    }
    ~EngineTest() override {
        sys::signal_event(gate_.get()); // hung hooks come back
        join();
        // Before what they use ends.
        wait_until([] { return update_threads() == 0; });
        engine_.reset();
    }
    // A listing may miss one while others end: what two say.
    static int update_threads() {
        return std::max(listed_update_threads(), listed_update_threads());
    }
    static int listed_update_threads() {
        int n = 0;
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(task.path() / "comm"), name);
            n += name == "update" ? 1 : 0;
        }
        return n;
    }

    void hang_in(const std::string& hook) {
        plugins_.options = {{"hang", hook}, {"gate", std::to_string(gate_.get())}};
    }
    // The phase of that hook only: a loaded machine must get as far as there.
    void soon_is_the_deadline_of(const std::string& hook) {
        PhaseDeadlines& d = request_.deadlines;
        (hook == "copy" ? d.copy : hook == "handover" ? d.handover : d.prepare) = milliseconds(500);
    }

    // The hook still hangs, the guest runs, and the plugin is named.
    void expect_unharmed_by(const report::UpdateRecord& r, const std::string& hook) {
        ASSERT_TRUE(r.error);
        EXPECT_EQ(r.error->detail("plugin"), "mode/fake");
        EXPECT_NE(r.error->what().find(hook), std::string::npos) << r.error->what();
        sys::signal_event(gate_.get());
        join();
        expect_unharmed(r, hook == "plan" || hook == "check" ? "preflight" : hook);
    }

    std::unique_ptr<Engine> engine_;
    std::atomic<bool> gone_{false};
};

TEST_F(EngineTest, TellsWhenTheGuestIsGone) {
    const auto r = run_to_the_end();
    EXPECT_EQ(r.status, UpdateStatus::Completed);
    EXPECT_EQ(r.id, "1-1");
    wait_until([this] { return gone_.load(); });
    EXPECT_EQ(engine().find("1-1")->status, UpdateStatus::Completed);
    EXPECT_EQ(engine().find("9-9").code(), Code::NotFound);
    EXPECT_EQ(engine().cancel().code(), Code::Refused) << "whoever asks late must keep off";
}

TEST_F(EngineTest, OneAtATimeAndACancelBringsTheGuestBack) {
    plugins_.options["wait"] = "copy";
    ASSERT_TRUE(engine().start(request_));
    wait_for(Phase::Copy);
    const auto second = engine().start(request_);
    ASSERT_EQ(second.code(), Code::Exists);
    EXPECT_FALSE(second.error().way_out().empty());
    EXPECT_EQ(run_.pause().code(), Code::Exists) << "by hand, meanwhile";
    EXPECT_TRUE(engine().cancel());
    const auto r = engine().latest().value();
    EXPECT_EQ(r.status, UpdateStatus::Cancelled);
    join();
    expect_unharmed(r, "copy");
    EXPECT_TRUE(run_.pause()) << "free again";
    EXPECT_FALSE(gone_);
}

TEST_F(EngineTest, ARecordOfEveryAttemptStays) {
    script_.fail("new machine build");
    EXPECT_EQ(run_to_the_end().status, UpdateStatus::Failed);
    script_.clear();
    EXPECT_EQ(run_to_the_end().status, UpdateStatus::Completed);
    EXPECT_EQ(engine().find("1-1")->status, UpdateStatus::Failed);
    EXPECT_EQ(engine().find("1-2")->status, UpdateStatus::Completed);
}

// A client that has seen the end of one begins the next at once.
TEST_F(EngineTest, NoStatusIsFinalBeforeTheNextUpdateIsTaken) {
    script_.fail("new machine build");
    ASSERT_TRUE(engine().start(request_));
    for (int i = 0; i < 20; ++i) {
        while (!report::is_final(engine().latest()->status))
            std::this_thread::yield();
        const auto next = engine().start(request_);
        ASSERT_TRUE(next) << next.error().what();
        EXPECT_EQ(engine().find(next->id)->guest, state::format_uuid(guest_.uuid));
    }
    wait_until([this] { return !engine().running(); });
    const auto all = engine().records();
    ASSERT_EQ(all.size(), 21u);
    EXPECT_EQ(all.front().id, "1-21");
    EXPECT_EQ(all.back().id, "1-1");
}

TEST_F(EngineTest, ACancelDoesNotWaitForAHookThatDoesNotHeedIt) {
    hang_in("copy");
    request_.deadlines.copy = std::chrono::hours(1);
    ASSERT_TRUE(engine().start(request_));
    wait_for(Phase::Copy);
    EXPECT_TRUE(engine().cancel());
    expect_unharmed_by(engine().latest().value(), "copy");
}

class HangingHook : public EngineTest, public testing::WithParamInterface<const char*> {};

TEST_P(HangingHook, TheWatchdogTakesTheGuestBack) {
    hang_in(GetParam());
    soon_is_the_deadline_of(GetParam());
    const auto r = run_to_the_end();
    expect_unharmed_by(r, GetParam());
    const auto again = engine().start(request_);
    ASSERT_EQ(again.code(), Code::Refused);
    EXPECT_EQ(again.error().detail("plugin"), "mode/fake");
    EXPECT_FALSE(again.error().way_out().empty());
}

INSTANTIATE_TEST_SUITE_P(EngineTest, HangingHook,
                         testing::Values("plan", "check", "prepare", "copy", "handover"));

TEST_F(EngineTest, AnotherModeIsTakenAfterOneThatHung) {
    const PhaseDeadlines usual = request_.deadlines;
    hang_in("handover");
    soon_is_the_deadline_of("handover");
    EXPECT_EQ(run_to_the_end().status, UpdateStatus::Failed);
    sys::signal_event(gate_.get()); // a candidate in another process would be dead by now
    join();
    plugins_.options = {};
    request_.mode = "other";
    request_.deadlines = usual;
    const auto r = run_to_the_end();
    EXPECT_EQ(r.status, UpdateStatus::Completed) << r.error->what();
    EXPECT_EQ(ownership_->word(), (Word{2, 2, Owner::Owned}));
}

TEST_F(EngineTest, AnEndThatHangsDoesNotHoldTheOldProcess) {
    plugins_.options = {{"hang", "end"}, {"gate", std::to_string(gate_.get())}};
    ASSERT_TRUE(engine().start(request_));
    wait_until([this] { return gone_.load(); });
    EXPECT_EQ(engine().latest()->status, UpdateStatus::Completed);
    EXPECT_EQ(engine().cancel().code(), Code::Refused) << "too late";
}

TEST_F(EngineTest, AnEndThatHangsDoesNotHoldTheNewProcess) {
    new_options_ = {{"hang", "end"}, {"gate", std::to_string(gate_.get())}};
    EXPECT_EQ(run_to_the_end().status, UpdateStatus::Completed);
    join(); // would wait for ever
    EXPECT_TRUE(candidate().result);
    EXPECT_TRUE(candidate().incoming->hung());
    EXPECT_TRUE(candidate().vcpus.running);
    // As the program does: its thread may come back.
    static Incoming* const kept = candidate().incoming.release();
    EXPECT_NE(kept, nullptr);
}

TEST_F(EngineTest, AThreadOfAModeThatDoesNotEndDoesNotHoldTheGuest) {
    plugins_.options = {{"hang", "thread"}, {"gate", std::to_string(gate_.get())}};
    script_.fail("old machine save");
    const auto r = run_to_the_end();
    ASSERT_TRUE(r.error);
    EXPECT_NE(r.error->what().find("end"), std::string::npos) << r.error->what();
    EXPECT_TRUE(vcpus_.running);
}

TEST_F(EngineTest, AReclaimThatHangsDoesNotHoldTheGuest) {
    hang_in("reclaim");
    script_.fail("old machine save");
    const auto r = run_to_the_end();
    EXPECT_EQ(r.error->code(), Code::Deadline);
    EXPECT_NE(r.error->what().find("reclaim"), std::string::npos) << r.error->what();
    EXPECT_TRUE(vcpus_.running);
    EXPECT_TRUE(devices_.working);
}

} // namespace
} // namespace segue::update

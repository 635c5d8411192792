// SPDX-License-Identifier: Apache-2.0
// A dry run: what is found, and that nothing of the guest is touched.
#include <thread>

#include "core/update/engine.hpp"
#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

// Its launcher starts no program to ask, so that is a blocker always, and the last.
class Examine : public TwoSides {
protected:
    report::Verdict examine() {
        auto verdict = engine_.examine(request_);
        EXPECT_TRUE(verdict) << verdict.error().what();
        return verdict ? *verdict : report::Verdict{};
    }
    static std::vector<std::string> words(const report::Verdict& v) {
        std::vector<std::string> all;
        for (const Error& e : v.blockers)
            all.push_back(e.what());
        return all;
    }

    Engine engine_{context(), [](Left) {}, {}};
};

TEST_F(Examine, TouchesNothing) {
    const Word before = ownership_->word();
    const auto v = examine();
    EXPECT_EQ(words(v), std::vector<std::string>{"this one does not execve"});
    EXPECT_EQ(v.mode, "fake");
    ASSERT_EQ(v.ram.size(), 1u);
    EXPECT_TRUE(v.ram[0].in_place);
    EXPECT_EQ(v.phases.front(), report::Phase::Preflight);
    EXPECT_EQ(script_.log(), std::vector<std::string>{"old machine describe"});
    EXPECT_EQ(ownership_->word(), before);
    EXPECT_TRUE(report_.phases.empty() && report_.ends.empty()) << "nothing to journal";
    EXPECT_TRUE(engine_.records().empty());
    EXPECT_TRUE(vcpus_.running);
    EXPECT_FALSE(frontend_.is_closing);
}

TEST_F(Examine, NamesEverythingThatStandsInTheWay) {
    plugins_.options = {{"fail", "check"}};
    script_.fail("old machine describe");
    const auto v = examine();
    EXPECT_EQ(words(v), (std::vector<std::string>{"mode/fake: told to fail in check",
                                                  "old machine describe was told to fail"}));
}

TEST_F(Examine, WithoutAPlanThereIsNothingElseToSay) {
    plugins_.options = {{"fail", "plan"}};
    const auto v = examine();
    EXPECT_EQ(words(v), std::vector<std::string>{"mode/fake: told to fail in plan"});
    EXPECT_TRUE(v.ram.empty());
    EXPECT_EQ(script_.count("old machine describe"), 0);
}

// A real update tells of all of them, too, at once.
TEST_F(Examine, AnUpdateThatFailsInPreflightNamesTheOthers) {
    plugins_.options = {{"fail", "check"}, {"ram", "in-place"}};
    inventory_ = {};
    inventory::RamBlock mortal;
    mortal.id = "ram9";
    mortal.backend = "mayfly";
    mortal.bytes = 4096;
    ASSERT_TRUE(inventory_.add(std::move(mortal)));
    const auto r = update();
    ASSERT_TRUE(r.error);
    EXPECT_NE(r.error->what().find("'ram9'"), std::string::npos) << r.error->what();
    EXPECT_EQ(r.error->detail("also-1"), "mode/fake: told to fail in check");
}

TEST_F(Examine, OneQuestionAtATimeAndACancelEndsIt) {
    plugins_.options = {{"wait", "check"}};
    std::optional<report::Verdict> first;
    std::thread asking([&] { first = examine(); });
    const Deadline limit = Deadline::in(std::chrono::seconds(20));
    while (plugins_.made == 0 && !limit.passed())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(engine_.examine(request_).code(), Code::Exists);
    EXPECT_EQ(engine_.start(request_).code(), Code::Exists);
    EXPECT_EQ(engine_.cancel().code(), Code::NotFound) << "no update is";
    asking.join();
    ASSERT_EQ(first->blockers.size(), 1u);
    EXPECT_EQ(first->blockers[0].code(), Code::Cancelled);
}

TEST_F(Examine, ACheckThatHangsIsToldAndTheModeIsNotTrustedAgain) {
    plugins_.options = {{"hang", "check"}, {"gate", std::to_string(gate_.get())}};
    request_.deadlines.prepare = std::chrono::milliseconds(100);
    const auto v = engine_.examine(request_);
    EXPECT_EQ(v.code(), Code::Deadline);
    EXPECT_EQ(engine_.start(request_).code(), Code::Refused);
    EXPECT_TRUE(vcpus_.running);
    EXPECT_TRUE(script_.log().empty());
    sys::signal_event(gate_.get());
    const Deadline limit = Deadline::in(std::chrono::seconds(20));
    while (threads_named("preflight") != 0 && !limit.passed())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

} // namespace
} // namespace segue::update

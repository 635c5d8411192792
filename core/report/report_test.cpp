// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/report/recording.hpp"
#include "core/report/tee.hpp"
#include "core/report/terminal.hpp"

namespace segue::report {
namespace {

using std::chrono::nanoseconds;

UpdateRecord running() {
    UpdateRecord r;
    r.id = "1-1";
    r.mode = "a-mode";
    r.status = UpdateStatus::Active;
    r.from_generation = 1;
    r.from_version = "0.1.0";
    r.to_version = "0.2.0";
    r.from_pid = 7;
    r.to_pid = 8;
    r.phases = {{Phase::Preflight, nanoseconds(1000), nanoseconds(1941000)},
                {Phase::Prepare, nanoseconds(1941000), nanoseconds(0)}};
    return r;
}

UpdateRecord completed() {
    auto r = running();
    r.status = UpdateStatus::Completed;
    r.phases[1].ended = nanoseconds(2941000);
    r.blackout = nanoseconds(730000);
    return r;
}

TEST(Terminal, PrintsEachPhaseOnceWithItsTime) {
    std::string out;
    Terminal terminal([&](std::string_view text) { out += text; }, false);
    terminal.show(running());
    terminal.show(running());
    EXPECT_NE(out.find("preflight  1.94 ms"), std::string::npos) << out;
    EXPECT_EQ(out.find("prepare"), std::string::npos);
    terminal.show(completed());
    terminal.ended(completed());
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3) << out;
    EXPECT_NE(out.find("prepare    1.00 ms"), std::string::npos) << out;
    EXPECT_NE(out.find("0.1.0 (pid 7) -> 0.2.0 (pid 8)"), std::string::npos);
    EXPECT_NE(out.find("blackout 730 us"), std::string::npos) << out;
}

TEST(Terminal, SaysWhatTheSuccessorDidInTheHandover) {
    std::string out;
    Terminal terminal([&](std::string_view text) { out += text; }, false);
    auto r = completed();
    const auto ms = [](int n) { return std::chrono::milliseconds(n); };
    r.phases = {{Phase::Pause, ms(10), ms(11)}, {Phase::Handover, ms(11), ms(31)}};
    r.warnings = {"mind the gap"};
    // Begun before the pause: no part of it.
    r.successor_phases = {{Phase::Prepare, ms(5), ms(9)}, {Phase::Handover, ms(12), ms(14)}};
    terminal.show(r);
    EXPECT_EQ(out.find("prepare"), std::string::npos) << out;
    EXPECT_NE(out.find("    its handover             2.00 ms"), std::string::npos) << out;
    EXPECT_EQ(out.find("  warning: mind the gap\n"), 0u) << out;
    out.clear();
    r.successor_phases = {{Phase::Prepare, ms(17), ms(27)}, {Phase::Handover, ms(27), ms(30)}};
    Terminal again([&](std::string_view text) { out += text; }, false);
    again.show(r);
    EXPECT_NE(out.find("    until the successor runs 6.00 ms"), std::string::npos) << out;
    EXPECT_NE(out.find("    its prepare              10.00 ms"), std::string::npos) << out;
}

TEST(Terminal, TellsOfAHolderAndOfASavedGuest) {
    auto r = completed();
    EXPECT_EQ(result_line(r).find("503"), std::string::npos);
    r.unanswered = nanoseconds(4100000);
    EXPECT_NE(result_line(r).find("503 for 4.10 ms"), std::string::npos) << result_line(r);
    r.to_pid = 0;
    EXPECT_NE(result_line(r).find("0.1.0 (pid 7) saved the guest"), std::string::npos);
    EXPECT_EQ(result_line(r).find("->"), std::string::npos);
}

TEST(Terminal, ShowsTheRunningPhaseOnATty) {
    std::string out;
    Terminal terminal([&](std::string_view text) { out += text; }, true);
    terminal.show(running());
    EXPECT_NE(out.find("prepare"), std::string::npos);
    terminal.show(completed());
    EXPECT_NE(out.find("\r  prepare    1.00 ms"), std::string::npos) << out;
}

TEST(Terminal, ShowsOnATtyHowFarACopyIs) {
    std::string out;
    Terminal terminal([&](std::string_view text) { out += text; }, true);
    auto r = running();
    r.phases[1].phase = Phase::Copy;
    r.copy = CopyProgress{1, 4, 0, 0, 0, {}, 0};
    terminal.show(r);
    EXPECT_NE(out.find("copy       25 %"), std::string::npos) << out;
    r.copy = CopyProgress{1, 4, 2, 12u << 20, 1u << 30, std::chrono::microseconds(11720), 0};
    terminal.show(r);
    EXPECT_NE(out.find("copy       round 3 of 12.00 MiB, 11.72 ms at 1.00 GiB/s"),
              std::string::npos)
        << out;
    r.copy->throttle = 40;
    terminal.show(r);
    EXPECT_NE(out.find("1.00 GiB/s, vCPUs throttled by 40 %"), std::string::npos) << out;
    out.clear();
    r.phases[1].ended = nanoseconds(2941000);
    r.phases.push_back({Phase::Fetch, nanoseconds(2941000), nanoseconds(0)});
    r.ram_bytes_left = 5u << 20;
    terminal.show(r);
    EXPECT_NE(out.find("\r  copy       1.00 ms" + std::string(35, ' ')), std::string::npos)
        << "of the longer line nothing is left: " << out;
    EXPECT_NE(out.find("fetch      5.00 MiB left"), std::string::npos) << out;
}

TEST(Terminal, AFailureSaysWhereWhyAndTheWayOut) {
    auto r = running();
    r.status = UpdateStatus::Failed;
    r.error = Error(Code::Deadline, "no READY\x1b[2J").way_out("raise it").with("phase", "prepare");
    EXPECT_EQ(result_line(r),
              "update 1-1 failed: no READY [2J [in prepare]; raise it (the guest goes "
              "on in generation 1)");
}

TEST(Tee, TellsEach) {
    Recording a, b;
    Tee tee({&a, &b});
    tee.phase(Phase::Copy, running());
    tee.ended(completed());
    for (const auto* r : {&a, &b}) {
        EXPECT_EQ(r->phases, std::vector<Phase>{Phase::Copy});
        ASSERT_EQ(r->ends.size(), 1u);
    }
}

} // namespace
} // namespace segue::report

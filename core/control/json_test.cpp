// SPDX-License-Identifier: Apache-2.0
#include "core/control/json.hpp"

#include <gtest/gtest.h>

#include "core/control/fake_service.hpp"

namespace segue::control {
namespace {

TEST(Json, ARecordReadsBackWhole) {
    const auto r = FakeService::example_record();
    const auto text = to_json(r);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    const auto back = record_from_json(text);
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(to_json(*back), text);
    EXPECT_EQ(back->error->what(), r.error->what());
    EXPECT_EQ(back->error->way_out(), "raise deadline.prepare");
    EXPECT_EQ(back->error->detail("phase"), "prepare");
    EXPECT_EQ(back->ram_bytes_copied, 1ull << 41);
    EXPECT_EQ(back->requests_in_flight, 5u);
    ASSERT_EQ(back->phases.size(), 2u);
    EXPECT_EQ(back->phases[1].phase, report::Phase::Rollback);
    EXPECT_EQ(back->phases[0].ended.count(), 1000000);
    EXPECT_FALSE(back->rehearsal);
    ASSERT_EQ(back->successor_phases.size(), 1u);
    EXPECT_EQ(back->successor_phases[0].ended.count(), 30);
    EXPECT_EQ(back->warnings, std::vector<std::string>{"mind the gap"});

    auto good = r;
    good.error.reset();
    EXPECT_EQ(record_from_json(to_json(good)).value().switch_over, report::SwitchOver::None);
    good.switch_over = report::SwitchOver::InDoubt;
    EXPECT_EQ(record_from_json(to_json(good)).value().switch_over, report::SwitchOver::InDoubt);
    good.rehearsal = true;
    EXPECT_TRUE(record_from_json(to_json(good)).value().rehearsal);
    EXPECT_FALSE(record_from_json(to_json(good)).value().error);
}

TEST(Json, OfAFetchItSaysWhatIsLeftAndWhoWaited) {
    using std::chrono::nanoseconds;
    auto r = FakeService::example_record();
    EXPECT_EQ(to_json(r).find("ram_bytes_left"), std::string::npos);
    EXPECT_EQ(to_json(r).find("faults"), std::string::npos);
    r.status = report::UpdateStatus::PostcopyActive;
    r.phases.push_back({report::Phase::Fetch, nanoseconds(5), nanoseconds(0)});
    r.ram_bytes_left = 1ull << 33;
    r.faults = report::FaultTimes{3,
                                  nanoseconds(60),
                                  nanoseconds(20),
                                  nanoseconds(10),
                                  nanoseconds(30),
                                  {0, 1, 2},
                                  {{"vcpu0", 3, nanoseconds(60)}}};
    const auto back = record_from_json(to_json(r));
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(to_json(*back), to_json(r));
    EXPECT_EQ(back->status, report::UpdateStatus::PostcopyActive);
    EXPECT_EQ(back->ram_bytes_left, 1ull << 33);
    ASSERT_TRUE(back->faults);
    EXPECT_EQ(back->faults->histogram_us, (std::vector<std::uint64_t>{0, 1, 2}));
    EXPECT_EQ(back->faults->threads.at(0).name, "vcpu0");
    EXPECT_EQ(back->faults->p99, nanoseconds(30));
}

TEST(Json, OfACopyItSaysHowFarItIs) {
    auto r = FakeService::example_record();
    EXPECT_EQ(to_json(r).find("\"copy\":"), std::string::npos);
    r.copy = report::CopyProgress{
        1ull << 40, 1ull << 41, 3, 1ull << 33, 1ull << 34, std::chrono::milliseconds(500), 20};
    const auto back = record_from_json(to_json(r));
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(to_json(*back), to_json(r));
    ASSERT_TRUE(back->copy);
    EXPECT_EQ(back->copy->rounds, 3u);
    EXPECT_EQ(back->copy->expected, std::chrono::milliseconds(500));
}

TEST(Json, AVmReadsBackWhole) {
    const auto vm = FakeService::example_vm();
    const auto back = vm_from_json(to_json(vm));
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(to_json(*back), to_json(vm));
    EXPECT_EQ(back->ram.at(0).inode, ~0ull);
    EXPECT_EQ(back->state, report::RunState::FinishMigrate);
}

TEST(Json, AVerdictReadsBackWhole) {
    const auto verdict = FakeService::example_verdict();
    const auto text = to_json(verdict);
    EXPECT_EQ(text.find(R"({"possible":false,)"), 0u) << text;
    EXPECT_NE(text.find(R"("known":true)"), std::string::npos) << text;
    const auto back = verdict_from_json(text);
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(to_json(*back), text);
    ASSERT_EQ(back->blockers.size(), 2u);
    EXPECT_EQ(back->blockers[1].code(), Code::Unsupported);
    EXPECT_EQ(back->blockers[0].detail("plugin"), "memory/x");
    EXPECT_TRUE(back->ram.at(0).in_place);
    EXPECT_EQ(back->phases.back(), report::Phase::Retire);
    EXPECT_EQ(back->budget.count(), 50);
    EXPECT_FALSE(verdict_from_json("{}"));
}

TEST(Json, ListsReadBackWhole) {
    const std::vector<report::UpdateRecord> records(3, FakeService::example_record());
    const auto back = records_from_json(to_json(records));
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(to_json(*back), to_json(records));
    EXPECT_EQ(records_from_json(R"({"updates":[]})")->size(), 0u);
    EXPECT_EQ(records_from_json("{}").code(), Code::Invalid);

    const auto text = to_json(std::vector{FakeService::example_plugin()});
    const auto plugins = plugins_from_json(text);
    ASSERT_TRUE(plugins) << plugins.error().what();
    EXPECT_EQ(to_json(*plugins), text);
    EXPECT_EQ(plugins->at(0).uses.at(1), "cpr");
}

TEST(Json, BytesThatAreNoUtf8StillMakeJson) {
    auto r = FakeService::example_record();
    r.error = Error(Code::Io, "open /x/\xff\xfe: no").with("path", "/x/\xc3");
    const auto back = record_from_json(to_json(r));
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(back->error->what(), "open /x/??: no");
    EXPECT_EQ(back->error->detail("path"), "/x/?");
}

TEST(Json, ANewerVmMaySayMore) {
    auto text = to_json(FakeService::example_vm());
    text.insert(1, R"("weather":"fine",)");
    EXPECT_TRUE(vm_from_json(text));
}

TEST(Json, WhatIsMissingOrWrongIsNamed) {
    const auto text = to_json(FakeService::example_record());
    auto without = text;
    without.replace(without.find("\"attempt\""), 9, "\"attemp_\"");
    EXPECT_NE(record_from_json(without).error().what().find("'attempt'"), std::string::npos);
    auto unknown = text;
    unknown.replace(unknown.find("rollback"), 8, "rollfore");
    EXPECT_NE(record_from_json(unknown).error().what().find("rollfore"), std::string::npos);
    for (const char* bad : {"", "[]", "7", "{", "{\"id\":7}", "null"})
        EXPECT_EQ(record_from_json(bad).code(), Code::Invalid) << bad;
}

TEST(Json, ARequestTakesNoUnknownKey) {
    EXPECT_EQ(request_from_json(R"({"mode":"m"})").value().mode, "m");
    EXPECT_TRUE(request_from_json(R"({"rehearse":true})").value().rehearse);
    EXPECT_NE(request_from_json(R"({"mod":"m"})").error().what().find("'mod'"), std::string::npos);
    EXPECT_EQ(request_from_json(R"({"mode":7})").code(), Code::Invalid);
    EXPECT_EQ(request_from_json(R"({"expected_generation":-1})").code(), Code::Invalid);
    UpdateRequest whole;
    whole.mode = "m", whole.binary = "/b", whole.config = "/c", whole.expected_generation = 7;
    whole.channel = "tcp:192.0.2.2:4444";
    const auto back = request_from_json(to_json(whole)).value();
    EXPECT_EQ(to_json(back), to_json(whole));
    EXPECT_EQ(back.expected_generation, 7u);
    EXPECT_EQ(back.channel, whole.channel);
    EXPECT_EQ(request_from_json(std::string(1000, '[')).code(), Code::Invalid);
}

TEST(Json, AProblemCarriesTheError) {
    const auto r = FakeService::example_record();
    const auto error = error_from_problem(to_problem(*r.error, 504), 504);
    EXPECT_EQ(error.code(), Code::Deadline);
    EXPECT_EQ(error.what(), r.error->what());
    EXPECT_EQ(error.way_out(), r.error->way_out());
    EXPECT_EQ(error.detail("phase"), "prepare");
    EXPECT_EQ(error_from_problem("<html>", 502).code(), Code::Internal);
}

} // namespace
} // namespace segue::control

// SPDX-License-Identifier: Apache-2.0
#include "core/report/codec.hpp"

#include <gtest/gtest.h>

namespace segue::report {
namespace {

using std::chrono::nanoseconds;

// No field holds the value that a fresh record has.
UpdateRecord full_record() {
    UpdateRecord r;
    r.id = "7-3";
    r.mode = "some-mode";
    r.status = UpdateStatus::Failed;
    r.from_generation = 7;
    r.attempt = 3;
    r.from_version = "0.1.0";
    r.to_version = "0.2.0";
    r.from_pid = 1234;
    r.to_pid = 2345;
    r.began_at = 1700000000;
    r.ended_at = 1700000001;
    r.phases = {{Phase::Preflight, nanoseconds(10), nanoseconds(20)},
                {Phase::Rollback, nanoseconds(20), nanoseconds(0)}};
    r.copy = CopyProgress{1, 2, 3, 1ull << 40, 5, nanoseconds(6), 7};
    r.ram_bytes_copied = 1ull << 40;
    r.requests_in_flight = 7;
    r.state_bytes = 8192;
    r.blackout = nanoseconds(1500000);
    r.key = "k-1";
    r.request_digest = "00ff";
    r.unanswered = nanoseconds(2500000);
    r.warnings = {"mind the gap", "and the \xff step"};
    r.error = Error(Code::Refused, "start \xff: no")
                  .way_out("try again")
                  .with_errno(13)
                  .with("phase", "prepare")
                  .with("plugin", "transport/x")
                  .with("phase", "second of its name");
    return r;
}

Result<UpdateRecord> through_state(const UpdateRecord& record) {
    state::Writer w(state::Header{});
    save_record(record, w);
    const auto bytes = w.finish();
    SEGUE_ASSIGN(const state::Reader reader, state::Reader::parse(bytes));
    SEGUE_ASSIGN(UpdateRecord back, load_record(reader));
    SEGUE_TRY(reader.all_taken());
    return back;
}

void expect_equal_phases(const UpdateRecord& a, const UpdateRecord& b) {
    ASSERT_EQ(a.phases.size(), b.phases.size());
    for (std::size_t i = 0; i < a.phases.size(); ++i) {
        EXPECT_EQ(a.phases[i].phase, b.phases[i].phase);
        EXPECT_EQ(a.phases[i].began, b.phases[i].began);
        EXPECT_EQ(a.phases[i].ended, b.phases[i].ended);
    }
}

TEST(RecordCodec, RoundTrip) {
    const UpdateRecord want = full_record();
    const auto got = through_state(want);
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_EQ(got->id, want.id);
    EXPECT_EQ(got->mode, want.mode);
    EXPECT_EQ(got->status, want.status);
    EXPECT_EQ(got->from_generation, want.from_generation);
    EXPECT_EQ(got->attempt, want.attempt);
    EXPECT_EQ(got->from_version, want.from_version);
    EXPECT_EQ(got->to_version, want.to_version);
    EXPECT_EQ(got->from_pid, want.from_pid);
    EXPECT_EQ(got->to_pid, want.to_pid);
    EXPECT_EQ(got->began_at, want.began_at);
    EXPECT_EQ(got->ended_at, want.ended_at);
    ASSERT_TRUE(got->copy);
    EXPECT_EQ(got->copy->done, 1u);
    EXPECT_EQ(got->copy->total, 2u);
    EXPECT_EQ(got->copy->rounds, 3u);
    EXPECT_EQ(got->copy->left, 1ull << 40);
    EXPECT_EQ(got->copy->rate, 5u);
    EXPECT_EQ(got->copy->expected, nanoseconds(6));
    EXPECT_EQ(got->copy->throttle, 7u);
    EXPECT_EQ(got->ram_bytes_copied, want.ram_bytes_copied);
    EXPECT_EQ(got->requests_in_flight, want.requests_in_flight);
    EXPECT_EQ(got->state_bytes, want.state_bytes);
    EXPECT_EQ(got->blackout, want.blackout);
    EXPECT_EQ(got->key, want.key);
    EXPECT_EQ(got->request_digest, want.request_digest);
    EXPECT_EQ(got->unanswered, want.unanswered);
    EXPECT_EQ(got->warnings, (std::vector<std::string>{"mind the gap", "and the ? step"}));
    expect_equal_phases(*got, want);
}

TEST(RecordCodec, TheErrorTravelsAndBecomesUtf8) {
    const auto got = through_state(full_record());
    ASSERT_TRUE(got) << got.error().what();
    ASSERT_TRUE(got->error);
    EXPECT_EQ(got->error->code(), Code::Refused);
    EXPECT_EQ(got->error->what(), "start ?: no");
    EXPECT_EQ(got->error->way_out(), "try again");
    EXPECT_EQ(got->error->sys_errno(), 13);
    ASSERT_EQ(got->error->details().size(), 2u);
    EXPECT_EQ(got->error->detail("phase"), "prepare");
    EXPECT_EQ(got->error->detail("plugin"), "transport/x");
}

TEST(RecordCodec, AFreshRecordHasNoErrorAndNoPhases) {
    const auto got = through_state(UpdateRecord{});
    ASSERT_TRUE(got) << got.error().what();
    EXPECT_FALSE(got->error);
    EXPECT_TRUE(got->phases.empty());
}

// Loads a record whose "update" section and phases are as given.
Status load(std::uint64_t status, const char* instance, std::uint64_t phase) {
    state::Writer w(state::Header{});
    w.begin("update", "", 1);
    for (const char* key : {"id", "mode", "from-version", "to-version"})
        w.put_text(key, "");
    for (const char* key : {"from-generation", "attempt", "from-pid", "to-pid", "began-at",
                            "ended-at", "ram-bytes-copied", "state-bytes", "blackout-ns"})
        w.put(key, 0);
    w.put("status", status);
    w.end();
    w.begin("update-phase", instance, 1);
    w.put("phase", phase);
    w.put("began-ns", 0);
    w.put("ended-ns", 0);
    w.end();
    const auto bytes = w.finish();
    SEGUE_ASSIGN(const state::Reader reader, state::Reader::parse(bytes));
    SEGUE_ASSIGN(const UpdateRecord record, load_record(reader));
    (void)record;
    return {};
}

TEST(RecordCodec, OutOfRangeIsCorruptAndNamed) {
    EXPECT_TRUE(load(9, "0", 8));
    const auto status = load(10, "0", 8);
    ASSERT_EQ(status.code(), Code::Corrupt);
    EXPECT_EQ(status.error().what(), "section 'update': key 'status' is 10, at most 9 is allowed");
    EXPECT_EQ(load(6, "0", 9).code(), Code::Corrupt);
    const auto order = load(6, "1", 8);
    ASSERT_EQ(order.code(), Code::Corrupt);
    EXPECT_EQ(order.error().what(), "section 'update-phase' (instance '1'): it is out of order");
}

TEST(RecordCodec, NoRecordIsNotFound) {
    state::Writer w(state::Header{});
    const auto bytes = w.finish();
    const auto reader = state::Reader::parse(bytes);
    ASSERT_TRUE(reader);
    EXPECT_EQ(load_record(*reader).code(), Code::NotFound);
}

} // namespace
} // namespace segue::report

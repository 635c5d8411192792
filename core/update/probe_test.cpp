// SPDX-License-Identifier: Apache-2.0
// probe_test.cpp - the question to a program before it is executed, and every wrong answer.
#include <sys/prctl.h>

#include <csignal>

#include "core/update/at_rest_test.hpp"

namespace segue::update {
namespace {

// How the probe may go wrong, and what the operator then reads.
struct Probed {
    const char* name;
    std::function<int(UpdateSelf*, int)> act;
    Code code;
    const char* says;
};

class UpdateSelfProbe : public UpdateSelf, public testing::WithParamInterface<Probed> {
public:
    static int changed(UpdateSelf* test, int stream, void (*change)(Image&)) {
        return static_cast<UpdateSelfProbe*>(test)->asked(stream, change);
    }
};

TEST_P(UpdateSelfProbe, RefusesBeforeThePause) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); // a grandchild is not ours to reap
    launcher_.on_probe = [this](int stream) { return GetParam().act(this, stream); };
    const auto record = update();
    expect_unharmed(record);
    EXPECT_STREQ(name_of(record.error->code()), name_of(GetParam().code)) << record.error->what();
    EXPECT_NE(record.error->what().find(GetParam().says), std::string::npos)
        << record.error->what();
    EXPECT_EQ(record.error->detail("phase"), "prepare");
    EXPECT_EQ(record.error->detail("binary"), "/bin/new");
    EXPECT_EQ(old_.script.count("old vcpus stop"), 0);
    EXPECT_EQ(test::children_of(::getpid()), others_) << "a child is left";
}

INSTANTIATE_TEST_SUITE_P(
    Rest, UpdateSelfProbe,
    testing::Values(
        Probed{"Exits", [](UpdateSelf*, int) { return 3; }, Code::Refused, "exited with 3"},
        Probed{"Crashes", [](UpdateSelf*, int) { return ::raise(SIGKILL); }, Code::Refused,
               "was killed by SIGKILL"},
        Probed{"SpeaksAnotherLanguage",
               [](UpdateSelf*, int stream) {
                   const char noise[64] = "hello";
                   if (::write(stream, noise, sizeof noise) != sizeof noise)
                       return 1;
                   pollfd hello = {stream, POLLIN, 0}; // an end before it would be all that is seen
                   return ::poll(&hello, 1, 20'000) == 1 ? 0 : 1;
               },
               Code::Corrupt, "something else than Segue's messages"},
        Probed{"AnswersAndCrashes",
               [](UpdateSelf* test, int stream) {
                   UpdateSelfProbe::changed(test, stream, nullptr);
                   return 9;
               },
               Code::Refused, "exited with 9"},
        Probed{"Forks",
               [](UpdateSelf* test, int stream) {
                   const pid_t child = ::fork();
                   if (child == 0)
                       ::_exit(UpdateSelfProbe::changed(test, stream, nullptr));
                   ::waitpid(child, nullptr, 0);
                   return 0;
               },
               Code::Refused, "it forks"},
        Probed{"HasAnotherGuest",
               [](UpdateSelf* test, int stream) {
                   return UpdateSelfProbe::changed(
                       test, stream, [](Image& i) { i.guest.identity[0].second = "4"; });
               },
               Code::Refused, "guest.vcpus"},
        Probed{"WouldLookElsewhereForTheState",
               [](UpdateSelf* test, int stream) {
                   return UpdateSelfProbe::changed(test, stream, [](Image& i) {
                       i.guest.resting_place = {{"update.channels.main.transport", "\"other\""}};
                   });
               },
               Code::Refused, "update.channels.main.transport"},
        Probed{"CannotMakeTheMachine",
               [](UpdateSelf* test, int stream) {
                   return UpdateSelfProbe::changed(
                       test, stream, [](Image& i) { i.script.fail("probe machine check"); });
               },
               Code::Refused, "told to fail"},
        Probed{"HasNoTransportThatKeeps",
               [](UpdateSelf* test, int stream) {
                   return UpdateSelfProbe::changed(test, stream,
                                                   [](Image& i) { i.plugins.streaming = true; });
               },
               Code::Refused, "persistent"}),
    [](const auto& row) { return row.param.name; });

TEST_F(UpdateSelf, AProbeThatHangsIsEndedAtACancel) {
    launcher_.on_probe = [this](int) {
        sys::signal_event(cancel_.get());
        ::sleep(1000);
        return 0;
    };
    const auto record = update();
    EXPECT_EQ(record.status, report::UpdateStatus::Cancelled);
    EXPECT_EQ(old_.run.state(), report::RunState::Running);
    EXPECT_EQ(test::children_of(::getpid()), others_) << "a child is left";
}

TEST_F(UpdateSelf, AProbeCreatesNothing) {
    update();
    EXPECT_NE(::access((dir_ / "main").c_str(), F_OK), 0);
    EXPECT_EQ(old_.ownership->word().generation, 1u);
}

} // namespace
} // namespace segue::update

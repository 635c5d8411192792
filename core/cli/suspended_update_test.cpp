// SPDX-License-Identifier: Apache-2.0
// `segue agent` and `segue update --suspend`, beside a guest and an agent that are only told about.
#include <gmock/gmock.h>

#include <optional>

#include "core/base/places.hpp"
#include "core/base/temp_dir.hpp"
#include "core/cli/commands.hpp"
#include "core/control/fake_agent.hpp"
#include "core/control/fake_service.hpp"
#include "core/control/server.hpp"

namespace segue::cli {
namespace {

using control::FakeAgent;
using report::RunState;
using report::UpdateStatus;
using testing::HasSubstr;

class SuspendedUpdateTest : public testing::Test {
protected:
    SuspendedUpdateTest() {
        EXPECT_TRUE(create(folder));
        service.info.state = RunState::Running;
        service.info.agent = dir / "agent.sock";
        service.verdict.blockers.clear();
        service.record.status = UpdateStatus::Completed;
        service.record.error.reset();
        server =
            control::Server::start(service, listen_unix(folder.api_socket(), 0600).value()).value();
    }
    // What the agent does with anything but guest-sync-delimited.
    void agent_does(std::function<std::string(const std::string&)> act) {
        agent_.emplace(service.info.agent, [act = std::move(act)](const std::string& line) {
            return line.find("guest-sync-delimited") != line.npos ? FakeAgent::kSynchronised
                                                                  : act(line);
        });
    }
    void agent_suspends() {
        agent_does([this](const std::string&) {
            service.be(RunState::Suspended);
            return "...";
        });
    }
    template <class F>
    ExitCode capture(F command) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const auto code = command();
        out = testing::internal::GetCapturedStdout();
        err = testing::internal::GetCapturedStderr();
        return code;
    }
    ExitCode update(bool dry_run = false, unsigned timeout_s = 60) {
        UpdateOptions o;
        o.guest = "web1";
        o.suspend = true;
        o.suspend_timeout_s = timeout_s;
        o.dry_run = dry_run;
        return capture([&] { return cli::update(places, o); });
    }
    ExitCode agent(const std::string& command, const std::string& arguments = "") {
        return capture([&] { return cli::agent(places, {"web1", command, arguments, 60}); });
    }
    bool updated() { return !service.asked().key.empty(); }

    TempDir dir;
    Places places = Places::find(dir / "r", dir / "s").value();
    GuestPlaces folder = places.guest("web1").value();
    control::FakeService service;
    std::unique_ptr<control::Server> server;
    std::optional<FakeAgent> agent_;
    std::string out, err;
};

TEST_F(SuspendedUpdateTest, SuspendsUpdatesAndWakes) {
    agent_suspends();
    EXPECT_EQ(update(), ExitCode::Ok) << err;
    EXPECT_TRUE(updated());
    EXPECT_EQ(service.wakeups, 1);
    EXPECT_EQ(service.vm().state, RunState::Running);
}

TEST_F(SuspendedUpdateTest, IsOverOnceTheGuestIsAwake) {
    std::atomic<bool> asleep = true; // the first call after it was woken is lost
    agent_.emplace(service.info.agent, [&](const std::string& line) {
        if (line.find("guest-suspend-ram") != line.npos)
            service.be(RunState::Suspended);
        else if (service.wakeups == 0 || !asleep.exchange(false))
            return FakeAgent::kSynchronised;
        return "...";
    });
    EXPECT_EQ(update(), ExitCode::Ok) << err;
    EXPECT_FALSE(asleep);
}

TEST_F(SuspendedUpdateTest, AFailedUpdateIsWokenUpFromToo) {
    agent_suspends();
    service.record.status = UpdateStatus::Failed;
    service.record.error = Error(Code::Refused, "because").with("phase", "prepare");
    EXPECT_EQ(update(), ExitCode::Failed);
    EXPECT_EQ(service.wakeups, 1);
}

TEST_F(SuspendedUpdateTest, AGuestThatDoesNotFallAsleepIsNotUpdated) {
    agent_does([](const std::string&) { return "..."; });
    EXPECT_EQ(update(false, 1), ExitCode::Timeout);
    EXPECT_THAT(err, HasSubstr("did not fall asleep within 1 s"));
    EXPECT_THAT(err, HasSubstr("segue wakeup web1"));
    EXPECT_FALSE(updated());
    EXPECT_EQ(service.wakeups, 0);
}

TEST_F(SuspendedUpdateTest, WhatTheAgentSaysIsTheReason) {
    agent_does([](const std::string&) {
        return "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no S3 here\"}}\n";
    });
    EXPECT_EQ(update(), ExitCode::Refused);
    EXPECT_THAT(err, HasSubstr("no S3 here"));
    EXPECT_FALSE(updated());
}

TEST_F(SuspendedUpdateTest, NobodyIsPutToSleepForWhatCannotBeDone) {
    agent_suspends();
    service.verdict.blockers = {Error(Code::Refused, "an obstacle")};
    EXPECT_EQ(update(), ExitCode::Refused);
    EXPECT_THAT(err, HasSubstr("an obstacle"));
    EXPECT_EQ(service.vm().state, RunState::Running);
    EXPECT_FALSE(updated());
}

TEST_F(SuspendedUpdateTest, WhatItNeedsIsCheckedFirst) {
    service.change([](control::VmInfo& vm) { vm.suspend = false; });
    EXPECT_EQ(update(true), ExitCode::Refused);
    EXPECT_THAT(out, HasSubstr("no suspend to RAM"));
    service.change([](control::VmInfo& vm) { vm.suspend = true; });
    EXPECT_EQ(update(true), ExitCode::Refused) << "no agent listens";
    service.change([](control::VmInfo& vm) { vm.agent.clear(); });
    EXPECT_EQ(update(true), ExitCode::Refused);
    EXPECT_THAT(out, HasSubstr("no port org.qemu.guest_agent.0"));
    service.be(RunState::Suspended);
    EXPECT_EQ(update(), ExitCode::Refused);
    EXPECT_THAT(err, HasSubstr("without --suspend"));
    EXPECT_FALSE(updated());
}

TEST_F(SuspendedUpdateTest, ADryRunLeavesItAwake) {
    agent_suspends();
    EXPECT_EQ(update(true), ExitCode::Ok) << err;
    EXPECT_EQ(service.vm().state, RunState::Running);
}

TEST_F(SuspendedUpdateTest, TheAgentIsAskedAndItsAnswerPrinted) {
    agent_does([](const std::string& line) {
        return line.find("guest-info") != line.npos
                   ? "{\"return\": {\"version\": \"7.2\"}}\n"
                   : "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"unknown\"}}\n";
    });
    EXPECT_EQ(agent("guest-info"), ExitCode::Ok);
    EXPECT_EQ(out, "{\"version\":\"7.2\"}\n");
    EXPECT_EQ(agent("guest-x"), ExitCode::Refused);
    EXPECT_THAT(err, HasSubstr("unknown"));
    EXPECT_EQ(agent("guest-info", "[]"), ExitCode::Usage);
}

TEST_F(SuspendedUpdateTest, ACommandWithoutAnAnswerIsSent) {
    agent_suspends();
    EXPECT_EQ(agent("guest-suspend-ram"), ExitCode::Ok);
    EXPECT_THAT(out, HasSubstr("was sent"));
    EXPECT_EQ(service.vm().state, RunState::Suspended);
}

TEST_F(SuspendedUpdateTest, WithoutAPortThereIsNoAgent) {
    service.change([](control::VmInfo& vm) { vm.agent.clear(); });
    EXPECT_EQ(agent("guest-ping"), ExitCode::Refused);
    EXPECT_THAT(err, HasSubstr("virtio-console"));
}

} // namespace
} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
// channel_test.cpp - updates over transports that cannot do what their channels need, and strangers
// at the standby's socket.
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include <segue/cpp/socket.hpp>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

using testing::HasSubstr;

struct BadChannel {
    const Mode* mode;
    const char* name;
    std::vector<std::string> set; // to a configuration that is right
    const char *channel, *plugin, *lacks;
};
void PrintTo(const BadChannel& bad, std::ostream* out) {
    *out << bad.mode->id << ", " << bad.name;
}
const BadChannel kBadChannels[] = {
    {&kTransfer,
     "StateIntoAFile",
     {"update.channels.main.transport=file"},
     "main",
     "transport/file",
     "it lacks streaming"},
    {&kTransfer,
     "DescriptorsIntoAFile",
     {"update.channels.cpr.transport=file"},
     "cpr",
     "transport/file",
     "it lacks streaming, fds, bidirectional"},
    {&kTransfer,
     "DescriptorsOverTcp",
     {"update.channels.cpr.transport=tcp", "update.channels.cpr.options.address=127.0.0.1:1"},
     "cpr",
     "transport/tcp",
     "it lacks fds"},
    // The new side says when all has arrived, which a command or a file would keep to itself.
    {&kPrecopy,
     "RamToACommand",
     {"update.channels.data.transport=exec", "update.channels.data.options.out=cat > /dev/null",
      "update.channels.data.options.in=cat /dev/zero"},
     "data",
     "transport/exec",
     "it lacks streaming"},
    {&kPrecopy,
     "RamIntoAFile",
     {"update.channels.data.transport=file"},
     "data",
     "transport/file",
     "it lacks streaming"},
    // Both sides talk.
    {&kPostcopy,
     "StateToACommand",
     {"update.channels.main.transport=exec", "update.channels.main.options.out=cat > /dev/null",
      "update.channels.main.options.in=cat /dev/zero"},
     "main",
     "transport/exec",
     "it lacks streaming, bidirectional"},
    {&kPostcopy,
     "RequestsToACommand",
     {"update.channels.request.transport=exec",
      "update.channels.request.options.out=cat > /dev/null",
      "update.channels.request.options.in=cat /dev/zero"},
     "request",
     "transport/exec",
     "it lacks streaming, bidirectional"},
};

class BadlySet : public FaultTest, public testing::WithParamInterface<BadChannel> {};

TEST_P(BadlySet, IsRefusedBeforeThePause) {
    const BadChannel& bad = GetParam();
    test::GuestSpec spec = spec_of(*bad.mode);
    spec.set = bad.set;
    boot(*bad.mode, spec);
    update();
    const report::UpdateRecord record = over();
    ASSERT_TRUE(record.error);
    EXPECT_THAT(record.error->what(), HasSubstr(bad.lacks));
    EXPECT_THAT(record.error->way_out(),
                HasSubstr("update.channels." + std::string(bad.channel) + ".transport"));
    EXPECT_EQ(record.error->detail("plugin"), bad.plugin);
    expect_refused({Code::Refused, "preflight", "channel", bad.channel});
}
INSTANTIATE_TEST_SUITE_P(Fault, BadlySet, testing::ValuesIn(kBadChannels), [](const auto& bad) {
    return test_name(*bad.param.mode, bad.param.name);
});

class Stranger : public FaultTest {
protected:
    // Somebody connects to a standby that waits for its owner, says `words`, and hangs up.
    void disturb(const std::string& words) {
        auto child = guest_->start_vmm({"--incoming"});
        ASSERT_TRUE(child) << child.error().what();
        standby_ = std::move(*child);
        const auto address = sys::unix_address(guest_->places().standby_socket()).value();
        for (const Deadline limit = patience();;) {
            const auto stranger = sys::unix_connect(address);
            if (stranger) {
                ASSERT_EQ(::send(stranger->get(), words.data(), words.size(), MSG_NOSIGNAL),
                          static_cast<ssize_t>(words.size()));
                return;
            }
            ASSERT_FALSE(limit.passed()) << "the standby does not listen";
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    void expect_standby_ends(const std::string& why) {
        const auto exit = wait_exit(standby_, patience());
        ASSERT_TRUE(exit);
        EXPECT_EQ(exit->code, 1);
        EXPECT_THAT(guest_->log(), HasSubstr(why));
        EXPECT_NE(::access(guest_->places().standby_socket().c_str(), F_OK), 0) << "left behind";
    }
    Child standby_;
};

TEST_F(Stranger, WhoOnlyLooksIsForgotten) {
    boot(kTransfer);
    disturb("");
    update();
    EXPECT_EQ(over().to_pid, standby_.pid);
    expect_moved();
}

TEST_F(Stranger, WhoTalksNonsenseEndsTheStandbyAndNotTheGuest) {
    boot(kTransfer);
    disturb(std::string(4096, 'x'));
    expect_standby_ends("something else than Segue's messages");
    update();
    expect_moved();
}

TEST_F(Stranger, WhoHangsUpInAMessageEndsTheStandbyAndNotTheGuest) {
    boot(kTransfer);
    disturb("EGW1");
    expect_standby_ends("hung up");
    update();
    expect_moved();
}

} // namespace
} // namespace segue::fault

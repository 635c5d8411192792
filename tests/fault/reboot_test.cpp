// SPDX-License-Identifier: Apache-2.0
// reboot_test.cpp - an update in which no VMM has the guest for a while: death of either side at
// each edge, and starts that die on the way.
#include <sys/socket.h>

#include <csignal>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"
#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

test::GuestSpec rest_spec() {
    test::GuestSpec spec = usual_spec();
    spec.modes = {"cpr-reboot"};
    spec.backend = "file";
    spec.transport = "file";
    return spec;
}

class RebootFault : public FaultTest {
protected:
    void save() {
        control::UpdateRequest request;
        request.save = true;
        update(request);
        expect_exit(old_);
    }
    // The process of a start that stands at the edge.
    pid_t start_until(const Edge& edge) {
        barriers_->hold(edge);
        const auto vmm = guest_->start_vmm({"--restore"});
        EXPECT_TRUE(vmm) << vmm.error().what();
        return held_at(edge);
    }
    // A start that nothing holds up has the guest, as it was saved.
    void expect_starts() {
        const auto vmm = guest_->start_vmm({"--restore"});
        ASSERT_TRUE(vmm) << vmm.error().what();
        for (const Deadline limit = patience(); !guest_->client().healthz();)
            ASSERT_FALSE(limit.passed()) << guest_->log();
        const auto now = guest_->client().vm();
        ASSERT_TRUE(now) << now.error().what();
        EXPECT_EQ(now->pid, vmm->pid);
        EXPECT_EQ(now->generation, 2u);
        EXPECT_TRUE(guest_->page().verify(patience()));
        EXPECT_EQ(guest_->page().boots(), 1u);
        EXPECT_EQ(guest_->page().errors(), "");
    }
    std::string raw_answer() const {
        const auto fd = connect_unix(guest_->places().api_socket(), patience());
        if (!fd)
            return fd.error().what();
        const std::string_view request = "GET /v1/vm HTTP/1.1\r\nHost: g\r\n\r\n";
        EXPECT_TRUE(sys::write_all(fd->get(), std::as_bytes(std::span(request))));
        std::string all(4096, '\0');
        std::size_t n = 0;
        for (ssize_t here = 0; (here = ::recv(fd->get(), all.data() + n, all.size() - n, 0)) > 0;)
            n += static_cast<std::size_t>(here);
        all.resize(n);
        return all;
    }
};

TEST_F(RebootFault, TheHolderSaysWhenToAskAgain) {
    boot(rest_spec());
    update_until("new handover");
    expect_exit(old_);
    const std::string answer = raw_answer();
    EXPECT_NE(answer.find("503"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Retry-After: 1"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Connection: Close"), std::string::npos) << answer;
    EXPECT_NE(answer.find("\"code\":\"again\""), std::string::npos) << answer;
    barriers_->release("new handover");
    expect_moved();
}

// The holder dies at `at`, while the owner stands at `old_at`, or waits (empty) for it.
struct Row {
    const char* name;
    Edge at, old_at;
    std::string phase;
};
void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}

class HolderKilled : public RebootFault, public testing::WithParamInterface<Row> {};

TEST_P(HolderKilled, TheGuestStays) {
    boot(rest_spec());
    const Row& row = GetParam();
    barriers_->hold(row.at);
    if (!row.old_at.empty())
        barriers_->hold(row.old_at);
    update();
    if (!row.old_at.empty())
        held_at(row.old_at);
    const pid_t holder = held_at(row.at);
    ASSERT_GT(holder, 0);
    kill(holder);
    barriers_->release(row.old_at);
    expect_refused({Code::Refused, row.phase, "exit", "SIGKILL"});
    EXPECT_NE(::access((guest_->places().run + "/main.channel").c_str(), F_OK), 0);
}
INSTANTIATE_TEST_SUITE_P(Fault, HolderKilled,
                         testing::Values(Row{"InPrepare", "new prepare", "", "prepare"},
                                         Row{"InCopy", "new copy", "old copy", "copy"},
                                         Row{"BeforeThePause", "new copy", "old pause", "pause"},
                                         Row{"InHandover", "new copy", "old handover", "handover"},
                                         Row{"BeforeTheOffer", "new copy", "old commit", "commit"}),
                         [](const auto& row) { return row.param.name; });

// Once it is offered the state rests, whoever is to take it.
TEST_F(RebootFault, AHolderKilledAfterTheOfferLeavesAStateToStart) {
    boot(rest_spec());
    for (const Edge edge : {"new handover"}) {
        update_until(edge);
        expect_exit(old_);
        kill(held_at(edge));
        barriers_->release(edge);
    }
    expect_starts();
}

TEST_F(RebootFault, AnOwnerKilledBeforeTheOfferTakesTheGuestAlong) {
    boot(rest_spec());
    update_until("old commit");
    kill(old_);
    barriers_->release("old commit");
    for (const Deadline limit = patience(); !guest_->processes().empty() && !limit.passed();)
        ::usleep(2000);
    EXPECT_THAT(guest_->processes(), testing::IsEmpty()) << "a holder without an owner stays";
    const auto again = guest_->start_vmm({"--restore"});
    ASSERT_TRUE(again);
    expect_exit(again->pid);
    EXPECT_NE(guest_->log().find("the ownership record says OWNED(1,0)"), std::string::npos)
        << guest_->log();
}

// Before the first instruction, wherever that is.
class StartKilled : public RebootFault, public testing::WithParamInterface<const char*> {};

TEST_P(StartKilled, TheStateIsAsItWas) {
    boot(rest_spec());
    save();
    const Edge edge = std::string("new ") + GetParam();
    const pid_t vmm = start_until(edge);
    ASSERT_GT(vmm, 0);
    kill(vmm);
    barriers_->release(edge);
    expect_starts();
}
INSTANTIATE_TEST_SUITE_P(Fault, StartKilled,
                         testing::Values("prepare", "copy", "handover", "commit"),
                         [](const auto& phase) { return std::string(phase.param); });

TEST_F(RebootFault, OfTwoStartsAtOnceOneIsRefused) {
    boot(rest_spec());
    save();
    const pid_t first = start_until("new handover");
    ASSERT_GT(first, 0);
    const auto second = guest_->start_vmm({"--restore"});
    ASSERT_TRUE(second);
    expect_exit(second->pid);
    EXPECT_NE(guest_->log().find("in use by a running VMM"), std::string::npos) << guest_->log();
    barriers_->release("new handover");
    for (const Deadline limit = patience(); !guest_->client().healthz();)
        ASSERT_FALSE(limit.passed()) << guest_->log();
    EXPECT_EQ(guest_->client().vm()->pid, first);
    EXPECT_TRUE(guest_->page().verify(patience()));
}

} // namespace
} // namespace segue::fault

// SPDX-License-Identifier: Apache-2.0
// reboot_test.cpp - what can fail in cpr-reboot only: a time without a VMM, and starts that die on
// the way.
#include "tests/fault/fault_test.hpp"
#include "tests/support/visit.hpp"

namespace segue::fault {
namespace {

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
        const auto vmm = start_at_rest();
        EXPECT_TRUE(vmm) << vmm.error().what();
        return held_at(edge);
    }
};

TEST_F(RebootFault, TheHolderSaysWhenToAskAgain) {
    boot(kReboot);
    update_until("new handover");
    expect_exit(old_);
    const auto answer = test::visit(guest_->places().api_socket(), "/v1/vm", patience());
    ASSERT_TRUE(answer) << answer.error().what();
    EXPECT_EQ(answer->status, 503);
    EXPECT_TRUE(answer->has("Retry-After: 1")) << answer->head;
    EXPECT_TRUE(answer->has("Connection: Close")) << answer->head;
    EXPECT_THAT(answer->body, testing::HasSubstr("\"code\":\"again\""));
    barriers_->release("new handover");
    expect_moved();
}

// Before the first instruction, wherever that is.
class StartKilled : public RebootFault, public testing::WithParamInterface<const char*> {};

TEST_P(StartKilled, TheStateIsAsItWas) {
    boot(kReboot);
    save();
    const Edge edge = std::string("new ") + GetParam();
    const pid_t vmm = start_until(edge);
    ASSERT_GT(vmm, 0);
    kill(vmm);
    expect_exit(vmm);
    barriers_->release(edge);
    expect_starts();
}
INSTANTIATE_TEST_SUITE_P(Fault, StartKilled,
                         testing::Values("prepare", "copy", "handover", "commit"),
                         [](const auto& phase) { return std::string(phase.param); });

TEST_F(RebootFault, OfTwoStartsAtOnceOneIsRefused) {
    boot(kReboot);
    save();
    const pid_t first = start_until("new handover");
    ASSERT_GT(first, 0);
    const auto second = start_at_rest();
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

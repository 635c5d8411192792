// SPDX-License-Identifier: Apache-2.0
// A mode in C++ and core's adapter for it, with the engine's services faked in between.
#include "core/plugin/adapters/mode.hpp"

#include <gtest/gtest.h>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Mode;

// Writes down each call; every answer is one that a mode can tell from no answer.
struct FakeEngine {
    std::vector<std::string> calls;
    segue_host_update update = {};
    segue_host_ram ram = {};

    static FakeEngine& of(void* h) { return *static_cast<FakeEngine*>(h); }
    static segue_status note(void* h, std::string call) {
        of(h).calls.push_back(std::move(call));
        return SEGUE_OK;
    }

    FakeEngine() {
        update.h = ram.h = this;
        update.agreed = [](void*, uint32_t* rev, uint32_t* arbiter, uint64_t* budget,
                           segue_error*) -> segue_status {
            *rev = 2;
            *arbiter = SEGUE_ARBITER_WORD;
            *budget = 1000;
            return SEGUE_OK;
        };
        update.checkpoint = [](void*, uint32_t*, segue_error*) -> segue_status {
            return SEGUE_CANCELLED;
        };
        update.channel = [](void* h, const char* name, uint32_t index, void** ch, segue_error*) {
            *ch = h;
            return note(h, std::string("channel ") + name + " " + std::to_string(index));
        };
        update.send = [](void* h, void*, const segue_iov* iov, uint32_t n, segue_error*) {
            return note(h, "send " + std::to_string(n == 1 ? iov->len : 0));
        };
        update.put_pages = [](void* h, void*, const segue_pages* p, segue_error*) {
            return note(h, "put " + std::to_string(p->block) + " " + std::to_string(p->first) +
                               " " + std::to_string(p->n));
        };
        update.pass_inventory = [](void* h, void*, segue_error*) { return note(h, "inventory"); };
        update.pass_state = [](void* h, void*, segue_error* e) {
            note(h, "state");
            return Error(Code::Closed, "the peer is gone").to_abi(e);
        };
        ram.blocks = [](void*, segue_block*, uint32_t, uint32_t* n, segue_error*) -> segue_status {
            *n = 2;
            return SEGUE_OK;
        };
    }
};

class ModeAdapter : public testing::Test {
protected:
    Result<Mode> mode(const std::string& bad_plan, const plugin::ModeServices& services) {
        SEGUE_ASSIGN(const auto* loaded, plugins_.load("mode/sample"));
        SEGUE_ASSIGN(auto config, plugin::PluginConfig::defaults(loaded->manifest()));
        SEGUE_TRY(config.set("bad-plan", bad_plan));
        return Mode::create(*loaded, config, SEGUE_SIDE_OUTGOING, services);
    }
    FakeEngine engine_;
    segue_block blocks_[2] = {};
    test::OpenPlugins plugins_{{SEGUE_TEST_PLUGINS}};
};

TEST_F(ModeAdapter, PlansAndCallsTheEngine) {
    auto m = mode("", {&engine_.update, &engine_.ram, nullptr});
    ASSERT_TRUE(m) << m.error().what();
    const auto plan = m->plan(blocks_);
    ASSERT_TRUE(plan) << plan.error().what();
    EXPECT_EQ(plan->successor, SEGUE_SUCCESSOR_PEER);
    EXPECT_EQ(plan->ram_of_block[1], SEGUE_RAM_IN_PAUSE);
    ASSERT_EQ(plan->channels.size(), 2u);
    EXPECT_EQ(plan->channels[0].need_caps, SEGUE_TRANSPORT_STREAMING);
    EXPECT_TRUE(plan->channels[1].optional);
    EXPECT_TRUE(m->check()) << "a hook that the mode has not";
    EXPECT_TRUE(m->prepare());
    EXPECT_EQ(m->copy().code(), Code::Cancelled);
    const Status lost = m->handover();
    EXPECT_EQ(lost.code(), Code::Closed);
    EXPECT_NE(lost.error().what().find("the peer is gone"), std::string::npos);
    m->end(SEGUE_OUTCOME_FAILED);
    EXPECT_EQ(engine_.calls, (std::vector<std::string>{"channel main 0", "inventory",
                                                       "channel data 3", "put 1 5 7", "put 0 0 0",
                                                       "channel main 0", "send 4", "state"}));
}

TEST_F(ModeAdapter, APlanBeyondItsDeclarationIsRefused) {
    for (const std::string bad : {"successor", "ram"}) {
        auto m = mode(bad, {&engine_.update, &engine_.ram, nullptr});
        const auto plan = m->plan(blocks_);
        ASSERT_EQ(plan.code(), Code::Internal);
        EXPECT_NE(plan.error().what().find("mode/sample"), std::string::npos);
        EXPECT_NE(plan.error().what().find(bad == "ram" ? "stays in place" : bad),
                  std::string::npos);
    }
}

TEST_F(ModeAdapter, AServiceThatTheEngineDoesNotGiveIsNamed) {
    const auto m = mode("", {&engine_.update, nullptr, nullptr});
    ASSERT_EQ(m.code(), Code::Unsupported);
    EXPECT_EQ(m.error().detail("service"), SEGUE_RAM_ID);
}

TEST_F(ModeAdapter, TheManifestListsWhatTheModeCouldDo) {
    const auto m = plugins_.registry().find("mode/sample");
    ASSERT_TRUE(m);
    EXPECT_TRUE(m->has_cap("successor-peer"));
    EXPECT_TRUE(m->has_cap("arbiter-handshake"));
    EXPECT_FALSE(m->has_cap("ram-after"));
    EXPECT_EQ(m->wire_rev_min, 1u);
}

} // namespace
} // namespace segue

// SPDX-License-Identifier: Apache-2.0
// A mode's services and channels over real sockets, used wrongly, and against a peer that lies.
#include "core/update/session.hpp"

#include <thread>

#include "core/update/hello.hpp"
#include "core/update/passing.hpp"
#include "core/update/services.hpp"
#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

using report::Phase;

// Two sessions of one update, with channel "main" open between them.
class SessionTest : public testing::Test {
protected:
    SessionTest() {
        for (Session* s : {&old_, &new_}) {
            s->needs = {{"main", 0, false, 1}};
            s->deadline = Deadline::in(std::chrono::seconds(20));
            s->agreed.nonce[0] = std::byte{1};
            s->phase = Phase::Prepare;
        }
    }
    void open() {
        ASSERT_TRUE(new_.listen());
        std::thread other([this] { out_ = take(old_); });
        in_ = take(new_);
        other.join();
        ASSERT_TRUE(out_ != nullptr && in_ != nullptr);
    }
    static Channel* take(Session& s) {
        auto ch = s.channel("main", 0);
        EXPECT_TRUE(ch) << ch.error().what();
        return ch ? *ch : nullptr;
    }
    template <class F>
    void while_sending(Frame type, std::span<const std::byte> bytes, F f) {
        std::thread other([&] { (void)out_->send(type, bytes, {}, old_.wait()).ok(); });
        f();
        other.join();
    }

    test::TempDir dir_;
    FakePlugins plugins_{dir_.path().string(), {}};
    inventory::Inventory all_, theirs_;
    Session::OpenTransport open_ = [this](const std::string& n) { return plugins_.transport(n); };
    Session old_{Side::Outgoing, all_, open_}, new_{Side::Incoming, theirs_, open_};
    segue_host_update services_ = update_service(new_);
    segue_error error_ = {};
    Channel *out_ = nullptr, *in_ = nullptr;
};

TEST_F(SessionTest, OneChannelIsOneConnection) {
    open();
    EXPECT_EQ(take(old_), out_);
    EXPECT_EQ(new_.find(in_), in_);
    EXPECT_EQ(new_.find(this), nullptr);
    EXPECT_EQ(old_.channel("main", 1).code(), Code::NotFound);
    EXPECT_EQ(old_.channel("other", 0).code(), Code::NotFound);
}

TEST_F(SessionTest, SomebodyElsesConnectionIsRefused) {
    old_.agreed.nonce[0] = std::byte{2};
    ASSERT_TRUE(new_.listen());
    std::thread other([this] { (void)old_.channel("main", 0).ok(); });
    EXPECT_EQ(new_.channel("main", 0).code(), Code::Refused);
    other.join();
}

TEST_F(SessionTest, AFrameOfAnotherTypeIsCorrupt) {
    open();
    while_sending(Frame::State, {}, [&] {
        EXPECT_EQ(in_->expect(Frame::Mode, 0, new_.wait()).code(), Code::Corrupt);
    });
}

TEST_F(SessionTest, AnOverlongFrameIsCorruptBeforeItIsRead) {
    open();
    const std::vector<std::byte> bytes(11);
    while_sending(Frame::Mode, bytes, [&] {
        const auto h = in_->expect(Frame::Mode, 10, new_.wait());
        ASSERT_EQ(h.code(), Code::Corrupt);
        EXPECT_EQ(h.error().detail("channel"), "main");
    });
}

TEST_F(SessionTest, WhatIsNoFrameIsCorrupt) {
    open();
    std::vector<std::byte> noise(64, std::byte{0x55});
    const segue_iov iov = {noise.data(), noise.size()};
    ASSERT_TRUE(out_->wire().write({&iov, 1}, {}));
    EXPECT_EQ(in_->expect(Frame::Mode, 64, new_.wait()).code(), Code::Corrupt);
}

TEST_F(SessionTest, ACallInTheWrongPhaseIsAnswered) {
    open();
    const segue_iov nothing = {nullptr, 0};
    segue_pages pages = {};
    std::uint64_t n = 0;
    void* ch = nullptr;
    EXPECT_EQ(services_.pass_state(&new_, in_, &error_), SEGUE_PHASE);
    EXPECT_NE(std::string(error_.what).find("prepare"), std::string::npos) << error_.what;
    EXPECT_EQ(services_.put_pages(&new_, in_, &pages, &error_), SEGUE_PHASE);
    EXPECT_EQ(services_.get_pages(&new_, in_, &pages, &error_), SEGUE_PHASE);
    for (const Phase p : {Phase::Copy, Phase::Handover, Phase::Fetch}) {
        new_.phase = p;
        EXPECT_EQ(services_.pass_inventory(&new_, in_, &error_), SEGUE_PHASE) << name_of(p);
    }
    for (const Phase p :
         {Phase::Preflight, Phase::Pause, Phase::Commit, Phase::Retire, Phase::Rollback}) {
        new_.phase = p;
        EXPECT_EQ(services_.channel(&new_, "main", 0, &ch, &error_), SEGUE_PHASE) << name_of(p);
        if (p != Phase::Commit) { // by threads that serve RAM over it
            EXPECT_EQ(services_.send(&new_, in_, &nothing, 1, &error_), SEGUE_PHASE) << name_of(p);
            EXPECT_EQ(services_.recv(&new_, in_, &nothing, 1, &n, &error_), SEGUE_PHASE);
        }
        EXPECT_EQ(services_.keep_inventory(&new_, &error_), SEGUE_PHASE) << name_of(p);
    }
}

TEST_F(SessionTest, AHandleThatIsNoneIsInvalid) {
    open();
    const segue_iov nothing = {nullptr, 0};
    EXPECT_EQ(services_.send(&new_, this, &nothing, 1, &error_), SEGUE_INVALID);
    EXPECT_EQ(services_.send(&new_, nullptr, &nothing, 1, &error_), SEGUE_INVALID);
}

TEST_F(SessionTest, ACheckpointTellsOfCancelAndDeadline) {
    std::uint32_t asked = 0;
    EXPECT_EQ(services_.checkpoint(&new_, &asked, &error_), SEGUE_OK);
    new_.deadline = Deadline::in(std::chrono::microseconds(0));
    EXPECT_EQ(services_.checkpoint(&new_, &asked, &error_), SEGUE_DEADLINE);
    const UniqueFd cancel = sys::event(1).value();
    new_.cancel_fd = cancel.get();
    EXPECT_EQ(services_.checkpoint(&new_, &asked, &error_), SEGUE_CANCELLED);
}

TEST_F(SessionTest, AModesMessageArrivesWhole) {
    open();
    auto from = update_service(old_);
    char text[] = "hello", a[3] = {}, b[8] = {};
    const segue_iov whole = {text, 5};
    const segue_iov parts[] = {{a, 3}, {b, 8}};
    ASSERT_EQ(from.send(&old_, out_, &whole, 1, &error_), SEGUE_OK);
    std::uint64_t n = 0;
    ASSERT_EQ(services_.recv(&new_, in_, parts, 2, &n, &error_), SEGUE_OK);
    EXPECT_EQ(n, 5u);
    EXPECT_EQ(std::string(a, 3) + b, "hello");
}

TEST_F(SessionTest, ADescriptorThatWasNotAnnouncedIsRefused) {
    open();
    ASSERT_TRUE(all_.add(inventory::Item{"console", sys::memfd("real", 0).value()}));
    new_.facts = inventory::describe(all_, {}).value();
    (void)all_.take("console");
    ASSERT_TRUE(all_.add(inventory::Item{"console", sys::memfd("other", 0).value()}));
    const UniqueFd cancel = sys::event().value();
    old_.cancel_fd = cancel.get();
    std::thread other([this] { EXPECT_FALSE(pass_inventory(old_, *out_)); });
    const Status s = pass_inventory(new_, *in_);
    sys::signal_event(cancel.get()); // it waits for an acknowledgement
    other.join();
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_EQ(s.error().detail("item"), "console");
    EXPECT_FALSE(new_.inventory_passed);
    EXPECT_TRUE(theirs_.items().empty());
}

TEST(Hello, TheHighestRevisionThatBothSpeak) {
    EXPECT_EQ(agree_wire(1, 3, 2, 5, "x").value(), 3u);
    EXPECT_EQ(agree_wire(2, 2, 1, 2, "x").value(), 2u);
    const auto none = agree_wire(1, 2, 3, 4, "x");
    ASSERT_EQ(none.code(), Code::Refused);
    EXPECT_EQ(none.error().detail("plugin"), "mode/x");
    EXPECT_NE(none.error().what().find("1 to 2 here and 3 to 4"), std::string::npos);
    EXPECT_FALSE(none.error().way_out().empty());
}

} // namespace
} // namespace segue::update

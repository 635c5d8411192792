// SPDX-License-Identifier: Apache-2.0
// running_test.cpp - what goes on around an update: a standby of somebody else's, a paused guest, a
// terminal in use.
#include <unistd.h>

#include <thread>

#include <segue/cpp/socket.hpp>
#include <segue/cpp/sys.hpp>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

using namespace std::chrono_literals;

template <class Condition>
bool comes_true(Condition condition) {
    for (const Deadline limit = patience(); !limit.passed(); std::this_thread::sleep_for(5ms))
        if (condition())
            return true;
    return false;
}

using Attach = UpdateTest;

TEST_F(Attach, ToAStandbyThatSomebodyStarted) {
    boot();
    const auto standby = guest_->start_vmm({"--incoming"});
    ASSERT_TRUE(standby) << standby.error().what();
    const auto address = sys::unix_address(guest_->places().standby_socket());
    ASSERT_TRUE(comes_true([&] { return sys::unix_connect(*address).ok(); })) << guest_->log();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.pid, standby->pid);
    EXPECT_TRUE(guest_->page().verify(patience()));
    EXPECT_NE(::access(guest_->places().standby_socket().c_str(), F_OK), 0) << "left behind";
}

using Paused = UpdateTest;

TEST_F(Paused, StaysPausedAndThenGoesOn) {
    boot();
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    const auto counters = guest_->page().counters();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.state, report::RunState::Paused);
    std::this_thread::sleep_for(50ms); // in which it would count
    EXPECT_EQ(guest_->page().counters(), counters);
    ASSERT_TRUE(guest_->client().resume());
    EXPECT_TRUE(guest_->page().verify(patience()));
    EXPECT_EQ(guest_->page().errors(), "");
}

class Terminal : public UpdateTest {
protected:
    // Connected before the first update, as an operator is.
    void connect() {
        const std::string path = vm_.console.substr(vm_.console.find(':') + 1);
        auto fd = sys::open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
        ASSERT_TRUE(fd) << fd.error().what();
        terminal_ = std::move(*fd);
    }
    void type(char c) { ASSERT_EQ(::write(terminal_.get(), &c, 1), 1); }
    // 'e' spoils a byte, which the guest then finds: so it has read it.
    void type_and_see() {
        const std::string before = guest_->page().errors();
        type('e');
        EXPECT_TRUE(comes_true([&] { return guest_->page().errors() != before; }))
            << "what was typed did not arrive";
    }
    bool prints(const std::string& text) {
        return comes_true([&] {
            char bytes[4096];
            const auto n = ::read(terminal_.get(), bytes, sizeof bytes);
            seen_.append(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
            return seen_.find(text) != std::string::npos;
        });
    }

    UniqueFd terminal_;
    std::string seen_;
};

TEST_F(Terminal, StaysConnectedOverAnUpdate) {
    boot();
    connect();
    type_and_see();
    const std::string console = vm_.console;
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.console, console);
    type_and_see();
    type('r'); // a reset: the guest says so in its first line
    EXPECT_TRUE(prints("metronome: boot=2")) << seen_;
}

} // namespace
} // namespace segue::integration

// SPDX-License-Identifier: Apache-2.0
// reboot_test.cpp - updates through a time in which no VMM has the guest.
#include <sys/socket.h>

#include <atomic>
#include <set>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"
#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

using namespace std::chrono_literals;

class Reboot : public UpdateTest {
protected:
    static test::GuestSpec spec(const std::string& ram) {
        test::GuestSpec s = usual_spec();
        s.vcpus = 2;
        s.modes = {"cpr-reboot"};
        s.backend = ram == "copy" ? "memfd" : "file";
        s.transport = "file";
        s.mode_options = "ram = \"" + ram + "\"";
        return s;
    }
    std::string holdings() const {
        const auto before = before_;
        return test::lasting_difference(
            before, [this] { return guest_->holdings(vm_.pid); }, patience());
    }
    test::Holdings before_;
};

// What one request, on a connection of its own, is answered; "" where there was none.
std::string answer_of(const std::string& socket) {
    const auto fd = connect_unix(socket, Deadline::in(60s));
    if (!fd)
        return fd.error().what();
    const std::string_view request =
        "GET /healthz HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n";
    if (!sys::write_all(fd->get(), std::as_bytes(std::span(request))))
        return "";
    std::string all(4096, '\0');
    std::size_t n = 0;
    for (ssize_t here = 0; (here = ::recv(fd->get(), all.data() + n, all.size() - n, 0)) > 0;)
        n += static_cast<std::size_t>(here);
    all.resize(n);
    return all;
}

TEST_F(Reboot, InOneGoWithItsRamInPlace) {
    boot(spec("in-place"));
    before_ = guest_->holdings(vm_.pid);
    const std::uint64_t inode = vm_.ram.at(0).inode;
    const auto counters = guest_->page().counters();
    const report::UpdateRecord r = update({"", SEGUE_VMM_NEXT, ""});
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(r.ram_bytes_copied, 0u);
    EXPECT_EQ(r.to_pid, vm_.pid);
    EXPECT_NE(r.from_version, r.to_version);
    EXPECT_GT(r.unanswered.count(), 0);
    EXPECT_GT(r.blackout.count(), 0);
    EXPECT_EQ(vm_.generation, 2u);
    EXPECT_EQ(vm_.ram.at(0).inode, inode);
    ASSERT_TRUE(guest_->page().verify(patience()));
    for (std::size_t i = 0; i < counters.size(); ++i)
        EXPECT_GT(guest_->page().counters()[i], counters[i]);
    EXPECT_EQ(guest_->page().errors(), "");
    EXPECT_EQ(guest_->page().boots(), 1u);
    EXPECT_EQ(holdings(), "");
    EXPECT_EQ(guest_->journal().size(), 1u);
    EXPECT_EQ(guest_->processes(), std::vector<pid_t>{vm_.pid});
}

TEST_F(Reboot, SeveralTimesAndBack) {
    boot(spec("auto"));
    for (int i = 0; i < 4; ++i)
        ASSERT_NO_FATAL_FAILURE(move({"", i % 2 == 0 ? SEGUE_VMM_NEXT : SEGUE_VMM, ""}));
    EXPECT_TRUE(guest_->page().verify(patience()));
    EXPECT_EQ(guest_->page().errors(), "");
}

TEST_F(Reboot, APausedGuestStaysPaused) {
    boot(spec("in-place"));
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    const auto counters = guest_->page().counters();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.state, report::RunState::Paused);
    std::this_thread::sleep_for(50ms); // in which it would count
    EXPECT_EQ(guest_->page().counters(), counters);
    ASSERT_TRUE(guest_->client().resume());
    EXPECT_TRUE(guest_->page().verify(patience()));
}

// No refusal and no reset, whoever asks when: an answer, or when to ask again. Who is connected and
// has sent nothing yet may find the connection ended.
TEST_F(Reboot, WhoeverAsksInBetweenIsToldToAskAgain) {
    boot(spec("in-place"));
    std::atomic<bool> over{false};
    std::set<std::string> others;
    std::thread client([&] {
        while (!over) {
            const std::string a = answer_of(guest_->places().api_socket());
            const bool again = a.find(" 503 ") != a.npos && a.find("Retry-After: 1") != a.npos;
            if (!again && !a.empty() && a.find(" 200 ") == a.npos)
                others.insert(a);
        }
    });
    for (int i = 0; i < 5; ++i)
        move();
    over = true;
    client.join();
    EXPECT_EQ(others, std::set<std::string>{});
}

TEST_F(Reboot, InPlaceThatCannotBeIsRefusedWithTheWayOut) {
    test::GuestSpec s = spec("in-place");
    s.backend = "memfd";
    boot(s);
    before_ = guest_->holdings(vm_.pid);
    const auto r = update();
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_NE(r.error->what().find("ram0"), std::string::npos) << r.error->what();
    EXPECT_EQ(r.error->detail("phase"), "preflight");
    EXPECT_NE(r.error->way_out().find("ram"), std::string::npos) << r.error->way_out();
    EXPECT_EQ(vm_.generation, 1u);
    EXPECT_EQ(holdings(), "");
    EXPECT_TRUE(guest_->page().verify(patience()));
}

} // namespace
} // namespace segue::integration

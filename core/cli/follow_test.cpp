// SPDX-License-Identifier: Apache-2.0
// `segue update` and `segue watch` as programs: with a terminal and without, interrupted and hung
// up on, beside a guest that is only told about.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/places.hpp"
#include "core/base/spawn.hpp"
#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/follow.hpp"
#include "core/control/fake_service.hpp"
#include "core/control/server.hpp"

namespace segue::cli {
namespace {

using report::UpdateStatus;

// Long: only a defect waits for it.
Deadline patience() {
    return Deadline::in(std::chrono::seconds(60));
}

// Both ends of a pseudo terminal: what the program has as its stdin, stdout and stderr.
struct Terminal {
    Terminal()
        : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        char name[64] = {};
        EXPECT_EQ(::grantpt(master.get()), 0);
        EXPECT_EQ(::unlockpt(master.get()), 0);
        EXPECT_EQ(::ptsname_r(master.get(), name, sizeof name), 0);
        program = sys::open(name, O_RDWR | O_NOCTTY).value();
    }
    // Until `text` has been printed.
    bool prints(const std::string& text) {
        for (const auto limit = patience(); seen.find(text) == seen.npos;) {
            pollfd p = {master.get(), POLLIN, 0};
            char bytes[1024];
            if (::poll(&p, 1, limit.poll_ms()) != 1)
                return false;
            const auto n = ::read(master.get(), bytes, sizeof bytes);
            if (n <= 0)
                return false;
            seen.append(bytes, static_cast<std::size_t>(n));
        }
        return true;
    }
    void type(const std::string& text) {
        EXPECT_TRUE(sys::write_all(master.get(), std::as_bytes(std::span(text))));
    }

    UniqueFd master, program;
    std::string seen;
};

struct FollowTest : testing::Test {
    FollowTest() {
        EXPECT_TRUE(create(folder));
        service.record.status = UpdateStatus::Active;
        service.record.error.reset();
        server =
            control::Server::start(service, listen_unix(folder.api_socket(), 0600).value()).value();
    }
    ~FollowTest() override {
        if (!program)
            return;
        static_cast<void>(sys::pidfd_signal(program->pidfd.get(), SIGKILL));
        static_cast<void>(wait_exit(*program, patience()));
    }
    void start(const std::vector<std::string>& words, bool terminal = true) {
        const auto own = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "segue";
        std::vector<std::string> argv = {own, "--run-dir", places.run_dir, "--state-dir",
                                         places.state_dir};
        argv.insert(argv.end(), words.begin(), words.end());
        const int tty = pty.program.get();
        std::vector<std::pair<int, int>> fds = {{tty, 1}, {tty, 2}};
        if (terminal)
            fds.emplace_back(tty, 0);
        auto child = spawn({argv, "", fds, false});
        ASSERT_TRUE(child) << child.error().what();
        program.emplace(std::move(*child));
        ASSERT_TRUE(pty.prints("rollback")) << pty.seen; // the phase that runs: it watches
    }
    void signal(int number) { ASSERT_TRUE(sys::pidfd_signal(program->pidfd.get(), number)); }
    ExitCode exit() {
        const auto ended = wait_exit(*program, patience());
        EXPECT_TRUE(ended && ended->signal == 0) << pty.seen;
        program.reset();
        return ended ? static_cast<ExitCode>(ended->code) : ExitCode::Unknown;
    }

    TempDir dir;
    Places places = Places::find(dir / "r", dir / "s").value();
    GuestPlaces folder = places.guest("web1").value();
    control::FakeService service;
    std::unique_ptr<control::Server> server;
    Terminal pty;
    std::optional<Child> program;
};

TEST_F(FollowTest, AnInterruptAsksAndYesCancels) {
    service.cancellable = true;
    start({"update", "web1"});
    signal(SIGINT);
    ASSERT_TRUE(pty.prints("Cancel update 3-1? [y/N]")) << pty.seen;
    EXPECT_EQ(service.cancels, 0);
    pty.type("y\n");
    EXPECT_EQ(exit(), ExitCode::Cancelled);
    EXPECT_EQ(service.cancels, 1);
}

TEST_F(FollowTest, AnInterruptAsksAndNoGoesOn) {
    start({"update", "web1"});
    signal(SIGINT);
    ASSERT_TRUE(pty.prints("[y/N]")) << pty.seen;
    pty.type("n\n");
    signal(SIGINT); // the first of another question, or the second of this one
    service.become(UpdateStatus::Completed);
    const auto code = exit();
    EXPECT_TRUE(code == ExitCode::Ok || code == ExitCode::Detached) << pty.seen;
    EXPECT_EQ(service.cancels, 0);
}

TEST_F(FollowTest, TheEndIsShownThoughNobodyAnswers) {
    start({"watch", "web1"});
    signal(SIGINT);
    ASSERT_TRUE(pty.prints("[y/N]")) << pty.seen;
    service.become(UpdateStatus::Completed);
    EXPECT_EQ(exit(), ExitCode::Ok);
    EXPECT_TRUE(pty.prints("update 3-1 completed")) << pty.seen;
}

// However long RAM takes to go to a file and back.
TEST_F(FollowTest, IsPatientWhileTheGuestIsBetweenTwoGenerations) {
    const control::Client client("web1", folder.api_socket());
    const report::UpdateRecord record = service.record;
    server->stand_in(true);
    std::thread next([this] {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        service.become(UpdateStatus::Completed);
        server->stand_in(false);
    });
    EXPECT_EQ(follow(client, record, false, "", std::chrono::milliseconds(200)), ExitCode::Ok);
    next.join();
    server.reset();

    EXPECT_EQ(follow(client, record, false, "", std::chrono::milliseconds(200)), ExitCode::Unknown);
}

TEST_F(FollowTest, TooLateIsSaidAndTheUpdateShownToItsEnd) {
    start({"update", "web1"});
    signal(SIGINT);
    ASSERT_TRUE(pty.prints("[y/N]")) << pty.seen;
    pty.type("y\n");
    ASSERT_TRUE(pty.prints("too late")) << pty.seen;
    service.become(UpdateStatus::Completed);
    EXPECT_EQ(exit(), ExitCode::Ok);
}

TEST_F(FollowTest, ASecondInterruptLeavesTheUpdateAlone) {
    start({"watch", "web1", "3-1"});
    signal(SIGINT);
    ASSERT_TRUE(pty.prints("[y/N]")) << pty.seen;
    signal(SIGINT);
    EXPECT_EQ(exit(), ExitCode::Detached);
    EXPECT_TRUE(pty.prints("`segue watch web1`")) << pty.seen;
    EXPECT_EQ(service.cancels, 0);
}

TEST_F(FollowTest, AHangUpLeavesTheUpdateAlone) {
    start({"update", "web1"});
    signal(SIGHUP);
    EXPECT_EQ(exit(), ExitCode::Detached);
    EXPECT_EQ(service.cancels, 0);
}

TEST_F(FollowTest, WithoutATerminalNobodyIsAsked) {
    start({"update", "web1"}, false);
    signal(SIGINT);
    EXPECT_EQ(exit(), ExitCode::Detached);
    EXPECT_EQ(pty.seen.find("[y/N]"), std::string::npos) << pty.seen;
    EXPECT_EQ(service.cancels, 0);
}

TEST_F(FollowTest, EachUpdateOfTheCommandHasItsKey) {
    start({"update", "web1", "--generation", "3"});
    const std::string key = service.asked().key;
    EXPECT_EQ(key.size(), 36u);
    EXPECT_EQ(service.asked().expected_generation, 3u);
    service.become(UpdateStatus::Completed);
    EXPECT_EQ(exit(), ExitCode::Ok);
    ASSERT_TRUE(pty.prints("completed")) << pty.seen;

    pty.seen.clear();
    start({"update", "web1"});
    EXPECT_NE(service.asked().key, key);
}

} // namespace
} // namespace segue::cli

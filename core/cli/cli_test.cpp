// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "core/base/spawn.hpp"
#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"
#include "core/cli/commands.hpp"
#include "core/control/fake_service.hpp"
#include "core/control/json.hpp"
#include "core/control/server.hpp"
#include "core/report/journal.hpp"
#include "core/state/inspect.hpp"
#include "core/update/ownership.hpp"

namespace segue::cli {
namespace {

using control::FakeService;
using report::Phase;
using report::UpdateStatus;

struct CliTest : testing::Test {
    TempDir dir;
    Places places = Places::find(dir / "r", dir / "s").value();
    GuestPlaces folder = places.guest("web1").value();
    FakeService service;
    UniqueFd lock, listening;
    std::unique_ptr<control::Server> server;

    void start() {
        ASSERT_TRUE(create(folder));
        lock = take_lock(folder).value();
        listening = listen_unix(folder.api_socket(), 0600).value();
        server = control::Server::start(service, UniqueFd(::dup(listening.get()))).value();
    }
    // Runs `command`, keeping what it prints.
    template <class F>
    ExitCode capture(F command) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const auto code = command();
        out = testing::internal::GetCapturedStdout();
        err = testing::internal::GetCapturedStderr();
        return code;
    }
    ExitCode update_to(UpdateStatus status, const char* phase = "prepare") {
        service.record.status = status;
        service.record.error = Error(Code::Refused, "because").with("phase", phase);
        return capture([&] { return update(places, {"web1", "", "", "", false, false, 0}); });
    }
    bool printed(const std::string& text) const { return out.find(text) != out.npos; }
    std::string out, err;
};

TEST_F(CliTest, NoGuest) {
    EXPECT_EQ(capture([&] { return status(places, "web1", false); }), ExitCode::NoGuest);
    EXPECT_NE(err.find("no guest 'web1' runs"), std::string::npos);
    EXPECT_NE(err.find("try: `segue list`"), std::string::npos);
    EXPECT_EQ(capture([&] { return kill(places, "web1"); }), ExitCode::NoGuest);
    EXPECT_EQ(capture([&] { return pause(places, "../x"); }), ExitCode::Usage);
}

TEST_F(CliTest, StatusAndList) {
    start();
    ASSERT_TRUE(create(places.guest("old").value()));
    EXPECT_EQ(capture([&] { return status(places, "web1", false); }), ExitCode::Ok);
    EXPECT_TRUE(printed("generation  3\n")) << out;
    EXPECT_TRUE(printed("update 3-1 failed")) << out;
    EXPECT_EQ(capture([&] { return status(places, "web1", true); }), ExitCode::Ok);
    EXPECT_EQ(out, control::to_json(service.info) + "\n");
    EXPECT_EQ(capture([&] { return list(places, false); }), ExitCode::Ok);
    EXPECT_TRUE(printed("web1                 finish-migrate     4711    3  1.2.3")) << out;
    EXPECT_TRUE(printed("old                  ended")) << out;
    server->hold(Deadline::in(std::chrono::seconds(30))).ok();
}

TEST_F(CliTest, AnUpdatesOutcomeIsTheExitCode) {
    start();
    EXPECT_EQ(update_to(UpdateStatus::Completed), ExitCode::Ok);
    EXPECT_TRUE(printed("  preflight  999 us")) << out;
    EXPECT_TRUE(printed("1.2.3 (pid 4711) -> 1.2.4 (pid 4712)")) << out;
    EXPECT_EQ(update_to(UpdateStatus::Failed), ExitCode::Failed);
    EXPECT_EQ(update_to(UpdateStatus::Failed, "preflight"), ExitCode::Refused);
    EXPECT_EQ(update_to(UpdateStatus::Cancelled), ExitCode::Cancelled);
    service.refusal = Error(Code::Exists, "an update is running");
    EXPECT_EQ(update_to(UpdateStatus::Completed), ExitCode::Refused);
    EXPECT_NE(err.find("an update is running"), std::string::npos);
}

TEST_F(CliTest, AnUpdateIsWatchedOverTheChangeOfGenerations) {
    start();
    service.record.status = UpdateStatus::Active;
    service.record.error.reset();
    FakeService successor;
    successor.record = service.record;
    successor.record.status = UpdateStatus::Completed;
    std::thread handing_over([&] {
        ASSERT_TRUE(server->hold(Deadline::in(std::chrono::seconds(30))));
        server->release();
        server = control::Server::start(successor, UniqueFd(::dup(listening.get()))).value();
    });
    auto exit = ExitCode::Unknown;
    for (bool started = false; !started;) { // the old one may have gone before it was asked
        exit = capture([&] { return update(places, {"web1", "m", "", "", false, true, 0}); });
        started = printed("\"id\"");
    }
    handing_over.join();
    EXPECT_EQ(exit, ExitCode::Ok) << err;
    EXPECT_TRUE(printed("\"status\":\"completed\"")) << out;
}

struct KillTest : CliTest {
    void SetUp() override {
        start();
        record.emplace(update::Ownership::create(folder.owner(), {}).value());
        record->set_owner(update::ProcessId::of(process.pid));
        service.info.pid = 1; // whatever it says, the record counts
    }
    ~KillTest() override {
        static_cast<void>(sys::pidfd_signal(process.pidfd.get(), SIGKILL));
        static_cast<void>(wait_exit(process, Deadline::in(std::chrono::seconds(30))));
    }
    bool runs() const {
        pollfd p = {process.pidfd.get(), POLLIN, 0};
        return ::poll(&p, 1, 0) == 0;
    }
    const Child process = spawn({{"/bin/sleep", "60"}, "", {}, false}).value();
    std::optional<update::Ownership> record;
};

TEST_F(KillTest, EndsTheOwner) {
    EXPECT_EQ(capture([&] { return kill(places, "web1"); }), ExitCode::Ok) << err;
    EXPECT_FALSE(runs());
    EXPECT_EQ(service.cancels, 1) << "so that no standby takes the guest over";
}

TEST_F(KillTest, AnotherProcessWithThePidIsLeftAlone) {
    auto earlier = update::ProcessId::of(process.pid);
    --earlier.start_time;
    record->set_owner(earlier);
    EXPECT_EQ(capture([&] { return kill(places, "web1"); }), ExitCode::Failed);
    EXPECT_NE(err.find("is another process"), std::string::npos) << err;
    EXPECT_TRUE(runs());
}

struct HistoryTest : CliTest {
    HistoryTest() { EXPECT_TRUE(create(folder)); }
    void journal(const std::string& guest, report::UpdateRecord r, const char* id,
                 std::int64_t began, UpdateStatus status) {
        r.id = id, r.began_at = began, r.status = status;
        const auto own = places.guest(guest).value();
        ASSERT_TRUE(create(own));
        ASSERT_TRUE(report::Journal(own.journal(), [](const report::UpdateRecord& line) {
                        return control::to_json(line);
                    }).append(r));
    }
    ExitCode show(HistoryOptions options) {
        return capture([&] { return history(places, options); });
    }
    report::UpdateRecord example = FakeService::example_record();
};

TEST_F(HistoryTest, OfAllGuestsInTheOrderOfTime) {
    journal("web1", example, "1-1", 100, UpdateStatus::Failed);
    journal("db", example, "7-7", 200, UpdateStatus::Completed);
    journal("web1", example, "1-2", 300, UpdateStatus::Cancelled);
    EXPECT_EQ(show({}), ExitCode::Ok) << err;
    EXPECT_LT(out.find("1-1"), out.find("7-7"));
    EXPECT_LT(out.find("7-7"), out.find("1-2"));
    for (const char* text :
         {"failed", "blackout 1.94 ms, state 64K, RAM copied 2T, 5 requests in flight",
          "preflight 999 us, rollback", "the standby said nothing",
          "[in prepare]; raise deadline.prepare"})
        EXPECT_TRUE(printed(text)) << text << "\n" << out;
    EXPECT_EQ(show({"web1", 1, false}), ExitCode::Ok);
    EXPECT_FALSE(printed("1-1") || printed("7-7")) << out;
    EXPECT_TRUE(printed("1-2"));
    EXPECT_EQ(show({"db", 0, true}), ExitCode::Ok);
    EXPECT_TRUE(printed("{\"name\":\"db\",\"id\":\"7-7\"")) << out;
    EXPECT_TRUE(control::record_from_json(out));
    EXPECT_EQ(show({"nobody", 0, false}), ExitCode::Failed);
    EXPECT_NE(err.find("'nobody'"), std::string::npos);
}

TEST_F(HistoryTest, WhoDiedInTheMiddleIsSeen) {
    auto record = update::Ownership::create(folder.owner(), {}).value();
    record.set_mark({record.next_attempt().value(), Phase::Copy});
    example.guest = state::format_uuid({});
    example.from_generation = 1, example.attempt = 1;
    example.error.reset();
    journal("web1", example, "1-1", 100, UpdateStatus::Setup);
    EXPECT_EQ(show({}), ExitCode::Ok);
    EXPECT_TRUE(printed("no result was written: the owner")) << out;
    EXPECT_TRUE(printed("died in phase copy")) << out;
    lock = take_lock(folder).value();
    EXPECT_EQ(show({}), ExitCode::Ok);
    EXPECT_TRUE(printed("setup")) << out;
    EXPECT_FALSE(printed("died")) << out;
}

// The program itself, beside a VMM that is a script.
struct Program : CliTest {
    void SetUp() override {
        const auto own = std::filesystem::read_symlink("/proc/self/exe").parent_path();
        built = own / "segue";
        std::filesystem::copy_file(built, dir / "segue");
        write(dir / "web1.toml",
              "[guest]\nname = \"web1\"\nvcpus = 1\nkernel = \"/k\"\n"
              "[[memory]]\nid = \"ram0\"\nsize = \"16M\"\nbackend = \"memfd\"\n");
    }
    static void write(const std::string& path, const std::string& text, mode_t mode = 0600) {
        const auto fd = sys::open(path, O_WRONLY | O_CREAT | O_TRUNC, mode).value();
        ASSERT_TRUE(sys::write_all(fd.get(), std::as_bytes(std::span(text))));
    }
    std::string built; // finds the built plugins beside itself; its copy in `dir` a VMM
    int segue(std::vector<std::string> words) { return run(dir / "segue", std::move(words)); }
    int run(const std::string& program, std::vector<std::string> words) {
        words.insert(words.begin(),
                     {program, "--run-dir", places.run_dir, "--state-dir", places.state_dir});
        const auto file = sys::memfd("out", 0).value();
        const auto child = spawn({words, "", {{file.get(), 1}, {file.get(), 2}}, false});
        EXPECT_TRUE(child);
        const auto exit = wait_exit(*child, Deadline::in(std::chrono::seconds(60)));
        out.resize(static_cast<std::size_t>(sys::stat(file.get())->st_size));
        EXPECT_TRUE(sys::pread_all(file.get(), std::as_writable_bytes(std::span(out)), 0));
        return exit ? exit->code : -1;
    }
};

TEST_F(Program, HelpAndUsage) {
    EXPECT_EQ(segue({"--help"}), 0);
    EXPECT_TRUE(printed("Exit codes")) << out;
    EXPECT_EQ(segue({"--version"}), 0);
    EXPECT_TRUE(printed("segue ")) << out;
    EXPECT_EQ(segue({"frobnicate"}), 2);
    EXPECT_EQ(segue({"status"}), 2);
    EXPECT_EQ(segue({"status", "web1"}), 5);
    EXPECT_EQ(run(built, {"check", dir / "web1.toml"}), 0) << out;
    EXPECT_EQ(segue({"check", dir / "web1.toml", "--set", "guest.vcpus=x"}), 2) << out;
    EXPECT_EQ(run(built, {"check", dir / "web1.toml", "--effective", "--set", "guest.vcpus=2"}), 0);
    EXPECT_TRUE(printed("vcpus = 2")) << out;
    EXPECT_EQ(segue({"inspect", dir / "none"}), 1);
}

TEST_F(Program, RunShowsWhyAVmmDidNotStart) {
    write(dir / "segue-vmm", "#!/bin/sh\necho no /dev/kvm here >&2\nexit 3\n", 0700);
    EXPECT_EQ(segue({"run", dir / "web1.toml"}), 1) << out;
    EXPECT_TRUE(printed("exited with 3")) << out;
    EXPECT_TRUE(printed("no /dev/kvm here")) << out;
    EXPECT_TRUE(printed(folder.log())) << out;
}

TEST_F(Program, RunGivesTheVmmItsPlacesAndWaitsForIt) {
    service.info.pid = 0;
    start(); // what will answer
    lock.reset();
    write(dir / "segue-vmm", "#!/bin/sh\necho $$ \"$@\"; exec sleep 60\n", 0700);
    EXPECT_EQ(segue({"run", dir / "web1.toml", "--set", "guest.vcpus=1"}), 0) << out;
    EXPECT_TRUE(printed("guest 'web1' runs")) << out;
    std::string log(4096, 0);
    const auto fd = sys::open(folder.log(), O_RDONLY).value();
    log.resize(static_cast<std::size_t>(::read(fd.get(), log.data(), log.size())));
    const int pid = std::atoi(log.c_str());
    ASSERT_GT(pid, 0) << log;
    EXPECT_EQ(::getsid(pid), pid);
    ::kill(pid, SIGKILL);
    EXPECT_EQ(log.substr(log.find(' ')), " --config " + (dir / "web1.toml") + " --run-dir " +
                                             places.run_dir + " --state-dir " + places.state_dir +
                                             " --set guest.vcpus=1\n");
}

TEST_F(Program, PluginsOfAConfiguration) {
    const auto own = std::filesystem::path(built).parent_path().parent_path();
    std::filesystem::copy(own / "lib/segue/plugins", dir / "more",
                          std::filesystem::copy_options::recursive);
    ASSERT_EQ(::mkdir((dir / "bin").c_str(), 0700), 0); // a program without plugins of its own
    std::filesystem::create_directories(dir / "lib/segue/plugins");
    std::filesystem::copy_file(built, dir / "bin/segue");
    EXPECT_EQ(run(dir / "bin/segue", {"plugins"}), 0);
    EXPECT_EQ(out, "");
    EXPECT_EQ(run(dir / "bin/segue", {"plugins", "--config", dir / "web1.toml"}), 0) << out;
    EXPECT_EQ(out, "");
    write(dir / "more.toml", "[guest]\nname = \"web1\"\nvcpus = 1\nkernel = \"/k\"\n"
                             "[[memory]]\nid = \"ram0\"\nsize = \"16M\"\nbackend = \"memfd\"\n"
                             "[plugins]\ndirs = [\"" +
                                 (dir / "more") + "\"]\n");
    EXPECT_EQ(run(dir / "bin/segue", {"plugins", "--config", dir / "more.toml"}), 0) << out;
    EXPECT_TRUE(printed("transport/")) << out;
    EXPECT_EQ(run(dir / "bin/segue", {"plugins", "--config", dir / "none.toml"}), 1) << out;
}

TEST_F(Program, RunRefusesAGuestThatRuns) {
    start();
    write(dir / "segue-vmm", "#!/bin/sh\nexit 0\n", 0700);
    EXPECT_EQ(segue({"run", dir / "web1.toml"}), 3) << out;
    EXPECT_TRUE(printed("runs already")) << out;
}

} // namespace
} // namespace segue::cli

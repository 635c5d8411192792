// SPDX-License-Identifier: Apache-2.0
// exec_test.cpp - cpr-exec: commands that do not stand the probe, an execve that fails, deaths,
// cancels and the guest's own acts at each edge. There is one process.
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

namespace fs = std::filesystem;

test::GuestSpec exec_spec() {
    test::GuestSpec spec = usual_spec();
    spec.modes = {"cpr-exec"};
    spec.transport = "file";
    return spec;
}

class Exec : public FaultTest {
protected:
    // The command: a script that ends in `lines`.
    std::string command(const std::string& lines, const char* name = "new") const {
        const std::string path = *guest_ / name;
        std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
        ::chmod(path.c_str(), 0755);
        return path;
    }
    // Nothing but the log and the input would go on to a child.
    void expect_all_close_on_exec() const {
        const std::string folder = "/proc/" + std::to_string(old_) + "/fdinfo";
        for (const auto& fd : fs::directory_iterator(folder)) {
            if (std::stoi(fd.path().filename()) <= 2)
                continue;
            std::ifstream info(fd.path());
            for (std::string key, value; info >> key >> value;)
                if (key == "flags:") {
                    EXPECT_NE(std::stoul(value, nullptr, 8) & 02000000u, 0u)
                        << "descriptor " << fd.path().filename();
                }
        }
    }
    void expect_next_completes() {
        update();
        EXPECT_EQ(over().status, report::UpdateStatus::Completed);
        EXPECT_EQ(over().to_pid, old_);
        EXPECT_TRUE(guest_->page().counts(patience()));
    }
};

// --- the probe

struct BadCommand {
    const char* name;
    const char* lines;
    const char* prepare; // deadline
    Said said;
};
void PrintTo(const BadCommand& row, std::ostream* out) {
    *out << row.name;
}

constexpr const char* kVmm = FAULT_VMM " \"$@\"";

const BadCommand kBadCommands[] = {
    {"ClearsTheEnvironment",
     "exec env -i " FAULT_VMM " \"$@\"",
     "60s",
     {Code::Refused, "prepare", "exit", "exited with 2"}},
    {"Forks", kVmm, "60s", {Code::Refused, "prepare", "binary", "/new"}},
    {"ForksAndLeaves", FAULT_VMM " \"$@\" &", "60s", {Code::Refused, "prepare", "binary", "/new"}},
    {"ClosesDescriptors",
     "exec " FAULT_VMM " \"$@\" 3>&-",
     "60s",
     {Code::Refused, "prepare", "exit", "exited with 1"}},
    {"CrashesAtOnce", "kill -SEGV $$", "60s", {Code::Refused, "prepare", "exit", "SIGSEGV"}},
    {"ExitsAtOnce", "exit 0", "60s", {Code::Refused, "prepare", "exit", "exited with 0"}},
    {"Hangs", "exec sleep 1000", "500ms", {Code::Deadline, "prepare", "binary", "/new"}},
    {"HangsInAChild", "sleep 1000", "500ms", {Code::Deadline, "prepare", "binary", "/new"}},
    {"SaysGarbage",
     "head -c 4096 /dev/zero >&3; exec sleep 1000",
     "60s",
     {Code::Corrupt, "prepare", "binary", "/new"}},
};

class ExecCommand : public Exec, public testing::WithParamInterface<BadCommand> {};

TEST_P(ExecCommand, IsRefused) {
    test::GuestSpec spec = exec_spec();
    spec.prepare = GetParam().prepare;
    boot(spec);
    update({"", command(GetParam().lines), ""});
    expect_refused(GetParam().said);
    EXPECT_THAT(guest_->processes(), testing::ElementsAre(old_));
}
INSTANTIATE_TEST_SUITE_P(Fault, ExecCommand, testing::ValuesIn(kBadCommands),
                         [](const auto& row) { return row.param.name; });

TEST_F(Exec, AnotherGuestsConfigurationIsRefusedByTheProbe) {
    boot(exec_spec());
    test::GuestSpec other = exec_spec();
    other.vcpus = 2;
    update({"", "", guest_->write_config("other.toml", other)});
    expect_refused({Code::Refused, "prepare", "key", "guest.vcpus"});
}

TEST_F(Exec, AnotherPlaceForTheStateIsRefusedByTheProbe) {
    boot(exec_spec());
    test::GuestSpec other = exec_spec();
    other.options = "path = \"" + *guest_ / "elsewhere" + "\"";
    update({"", "", guest_->write_config("other.toml", other)});
    expect_refused({Code::Refused, "prepare", "key", "update.channels.main.options.path"});
}

TEST_F(Exec, AChannelThatKeepsNothingIsRefusedBeforeThePause) {
    test::GuestSpec spec = exec_spec();
    spec.transport = "unix";
    boot(spec);
    update();
    expect_refused({Code::Refused, "preflight", "channel", "main"});
}

// --- an execve that fails, the guest paused

struct Failure {
    const char* name;
    std::function<void(const std::string& file, pid_t vmm)> act;
    Said said;
};
void PrintTo(const Failure& row, std::ostream* out) {
    *out << row.name;
}

const Failure kFailures[] = {
    {"FileReplaced",
     [](const std::string& file, pid_t) {
         fs::copy_file(file, file + "2");
         fs::rename(file + "2", file);
     },
     {Code::Refused, "commit", "binary", "/new"}},
    {"FileWrittenOver",
     [](const std::string& file, pid_t) { std::ofstream(file, std::ios::app) << "# more\n"; },
     {Code::Refused, "commit", "binary", "/new"}},
    {"FileRemoved",
     [](const std::string& file, pid_t) { fs::remove(file); },
     {Code::Refused, "commit", "binary", "/new"}},
    {"NotExecutable",
     [](const std::string& file, pid_t) { ::chmod(file.c_str(), 0644); },
     {Code::Io, "commit", "binary", "/new"}},
    {"TooLittleRoomForItsArguments",
     [](const std::string&, pid_t vmm) {
         const rlimit small = {256 << 10, RLIM_INFINITY}; // a quarter of it, execve(2)
         ASSERT_EQ(::prlimit(vmm, RLIMIT_STACK, &small, nullptr), 0);
     },
     {Code::Io, "commit", "binary", "/new"}},
};

class ExecFails : public Exec, public testing::WithParamInterface<Failure> {};

TEST_P(ExecFails, IsTakenBack) {
    for (const char* name : {"SEGUE_TEST_A", "SEGUE_TEST_B"}) // 200 KiB of arguments
        ::setenv(name, std::string(100 << 10, 'x').c_str(), 1);
    boot(exec_spec());
    const std::string path = command("exec " FAULT_VMM " \"$@\"");
    rlimit before = {};
    ASSERT_EQ(::prlimit(old_, RLIMIT_STACK, nullptr, &before), 0);
    update_until("old commit", {"", path, ""});
    GetParam().act(path, old_);
    barriers_->release("old commit");
    expect_refused(GetParam().said);
    expect_all_close_on_exec();
    ASSERT_EQ(::prlimit(old_, RLIMIT_STACK, &before, nullptr), 0);
    expect_next_completes();
}
INSTANTIATE_TEST_SUITE_P(Fault, ExecFails, testing::ValuesIn(kFailures),
                         [](const auto& row) { return row.param.name; });

// --- deaths

class ExecKilled : public Exec, public testing::WithParamInterface<const char*> {};

TEST_P(ExecKilled, TheGuestEndsWithIt) {
    boot(exec_spec());
    const std::string edge = GetParam();
    update_until(edge);
    EXPECT_EQ(held_at(edge), old_);
    kill(old_);
    expect_exit(old_);
    std::vector<std::string> left = {"api.sock", "owner", "lock"};
    if (edge == "old commit" || edge.substr(0, 3) == "new")
        left.emplace_back("main.channel");
    expect_gone(left);
    if (edge.substr(0, 3) == "new") { // whoever looks finds why nobody could take it back
        EXPECT_THAT(guest_->log(), testing::HasSubstr("no way back"));
    }
}
INSTANTIATE_TEST_SUITE_P(Fault, ExecKilled,
                         testing::Values("old preflight", "old prepare", "old copy", "old pause",
                                         "old handover", "old commit", "new prepare",
                                         "new handover"),
                         [](const auto& row) {
                             std::string name = row.param;
                             name[3] = '_';
                             return name;
                         });

// --- a cancel, and what the guest itself does

TEST_F(Exec, ACancelInTimeLeavesTheGuestWhereItIs) {
    boot(exec_spec());
    update_until("old copy");
    auto answer = std::async(std::launch::async, [&] { return guest_->client().cancel_update(); });
    await_cancel_in(old_);
    barriers_->release("old copy");
    EXPECT_TRUE(answer.get());
    expect_cancelled();
    expect_all_close_on_exec();
}

class ExecLater : public Exec, public testing::WithParamInterface<const char*> {};

TEST_P(ExecLater, ACancelIsTooLate) {
    boot(exec_spec());
    update_until(GetParam());
    auto answer = std::async(std::launch::async, [&] { return guest_->client().cancel_update(); });
    barriers_->release(GetParam());
    EXPECT_EQ(answer.get().code(), Code::Refused) << "too late";
    EXPECT_EQ(over().to_pid, old_);
    expect_runs(old_, 2);
    expect_nothing_left(old_);
}
TEST_P(ExecLater, AResetHappensInTheNewImage) {
    boot(exec_spec());
    update_until(GetParam());
    ASSERT_TRUE(guest_->type('r'));
    barriers_->release(GetParam());
    EXPECT_TRUE(guest_->page().boots_again(2, patience()));
    EXPECT_EQ(over().status, report::UpdateStatus::Completed);
    expect_nothing_left(old_);
}
INSTANTIATE_TEST_SUITE_P(Fault, ExecLater,
                         testing::Values("old pause", "old commit", "new prepare", "new retire"),
                         [](const auto& row) {
                             std::string name = row.param;
                             name[3] = '_';
                             return name;
                         });

} // namespace
} // namespace segue::fault

// SPDX-License-Identifier: Apache-2.0
// exec_test.cpp - what can fail in cpr-exec only: an execve in the pause, which is taken back.
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

namespace fs = std::filesystem;

class Exec : public FaultTest {
protected:
    std::string command() const {
        const std::string path = *guest_ / "new";
        std::ofstream(path) << "#!/bin/sh\nexec " FAULT_VMM " \"$@\"\n";
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
};

TEST_F(Exec, AChannelThatKeepsNothingIsRefusedBeforeThePause) {
    test::GuestSpec spec = spec_of(kExec);
    spec.at_rest = "transport = 'unix'";
    boot(kExec, spec);
    update();
    expect_refused({Code::Refused, "preflight", "channel", "main"});
}

// What happens to the command once it has answered the probe.
struct Failure {
    const char* name;
    std::function<void(const std::string& file, pid_t vmm)> act;
    Code code;
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
     Code::Refused},
    {"FileWrittenOver",
     [](const std::string& file, pid_t) { std::ofstream(file, std::ios::app) << "# more\n"; },
     Code::Refused},
    {"FileRemoved", [](const std::string& file, pid_t) { fs::remove(file); }, Code::Refused},
    {"NotExecutable", [](const std::string& file, pid_t) { ::chmod(file.c_str(), 0644); },
     Code::Io},
    {"TooLittleRoomForItsArguments",
     [](const std::string&, pid_t vmm) {
         const rlimit small = {256 << 10, RLIM_INFINITY}; // a quarter of it, execve(2)
         ASSERT_EQ(::prlimit(vmm, RLIMIT_STACK, &small, nullptr), 0);
     },
     Code::Io},
};

class ExecFails : public Exec, public testing::WithParamInterface<Failure> {};

TEST_P(ExecFails, IsTakenBack) {
    for (const char* name : {"SEGUE_TEST_A", "SEGUE_TEST_B"}) // 200 KiB of arguments
        ::setenv(name, std::string(100 << 10, 'x').c_str(), 1);
    boot(kExec);
    const std::string path = command();
    rlimit before = {};
    ASSERT_EQ(::prlimit(old_, RLIMIT_STACK, nullptr, &before), 0);
    update_until("old commit", {"", path, ""});
    GetParam().act(path, old_);
    barriers_->release("old commit");
    expect_refused({GetParam().code, "commit", "binary", "/new"});
    expect_all_close_on_exec();
    ASSERT_EQ(::prlimit(old_, RLIMIT_STACK, &before, nullptr), 0);
    update(); // the next one
    EXPECT_STREQ(report::name_of(over().status), "completed");
    EXPECT_EQ(over().to_pid, old_);
    EXPECT_TRUE(guest_->page().counts(patience()));
}
INSTANTIATE_TEST_SUITE_P(Fault, ExecFails, testing::ValuesIn(kFailures),
                         [](const auto& row) { return row.param.name; });

} // namespace
} // namespace segue::fault

// SPDX-License-Identifier: Apache-2.0
// new_binary_test.cpp - the new binary is none, or a bad one: the guest stays where it is, and the
// operator reads what is wrong with which file.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

struct BadBinary {
    const char* name;
    const char* script; // NULL: there is no such file; "": a folder
    mode_t mode;
    const char* prepare; // deadline
    Said said;
};
void PrintTo(const BadBinary& row, std::ostream* out) {
    *out << row.name;
}

const BadBinary kBadBinaries[] = {
    {"DoesNotExist", nullptr, 0, "60s", {Code::NotFound, "prepare", "binary", "/new"}},
    {"IsNotExecutable", "#!/bin/sh\n", 0644, "60s", {Code::Refused, "prepare", "binary", "/new"}},
    {"IsAFolder", "", 0755, "60s", {Code::Refused, "prepare", "binary", "/new"}},
    {"CrashesAtOnce",
     "#!/bin/sh\nkill -SEGV $$\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "exit", "SIGSEGV"}},
    {"ExitsAtOnce",
     "#!/bin/sh\nexit 0\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "exit", "exited with 0"}},
    {"IsNoProgram", "\001\002\003\004", 0755, "60s", {Code::Io, "prepare", "binary", "/new"}},
    {"Hangs",
     "#!/bin/sh\nexec sleep 1000\n",
     0755,
     "500ms",
     {Code::Deadline, "prepare", "binary", "/new"}},
    {"SaysGarbage",
     "#!/bin/sh\nhead -c 4096 /dev/zero >&3\nexec sleep 1000\n",
     0755,
     "60s",
     {Code::Corrupt, "prepare", "binary", "/new"}},
};

class NewBinary : public FaultTest, public testing::WithParamInterface<BadBinary> {};

TEST_P(NewBinary, IsRefused) {
    const BadBinary& bad = GetParam();
    test::GuestSpec spec = usual_spec();
    spec.prepare = bad.prepare;
    boot(spec);
    const std::string path = *guest_ / "new";
    if (bad.script != nullptr && *bad.script != 0)
        std::ofstream(path) << bad.script;
    else if (bad.script != nullptr)
        std::filesystem::create_directory(path);
    ::chmod(path.c_str(), bad.mode);
    update({"", path, ""});
    expect_refused(bad.said);
    std::filesystem::remove(path);
    update(); // nothing stands in the way of the next one
    EXPECT_EQ(over().status, report::UpdateStatus::Completed);
}

INSTANTIATE_TEST_SUITE_P(Fault, NewBinary, testing::ValuesIn(kBadBinaries),
                         [](const auto& row) { return row.param.name; });

TEST_F(FaultTest, AGoodOneMovesTheGuest) {
    boot();
    update();
    expect_moved();
}

} // namespace
} // namespace segue::fault

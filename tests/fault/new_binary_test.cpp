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

// Of the standby, of the probe's child and of the holder alike: they are the same command.
const BadBinary kBadBinaries[] = {
    {"DoesNotExist", nullptr, 0, "60s", {Code::NotFound, "prepare", "binary", "/new"}},
    {"IsNotExecutable", "#!/bin/sh\n", 0644, "60s", {Code::Refused, "prepare", "binary", "/new"}},
    {"IsAFolder", "", 0755, "60s", {Code::Refused, "prepare", "binary", "/new"}},
    {"IsNoProgram", "\001\002\003\004", 0755, "60s", {Code::Io, "prepare", "binary", "/new"}},
    {"CrashesAtOnce",
     "#!/bin/sh\nkill -SEGV $$\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "exit", "SIGSEGV"}},
    {"IsKilled",
     "#!/bin/sh\nkill -KILL $$\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "exit", "SIGKILL"}},
    {"ExitsAtOnce",
     "#!/bin/sh\nexit 0\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "exit", "exited with 0"}},
    {"Hangs",
     "#!/bin/sh\nexec sleep 1000\n",
     0755,
     "2s",
     {Code::Deadline, "prepare", "binary", "/new"}},
    {"IsStopped",
     "#!/bin/sh\nkill -STOP $$\n",
     0755,
     "2s",
     {Code::Deadline, "prepare", "binary", "/new"}},
    {"SaysGarbage",
     "#!/bin/sh\nhead -c 4096 /dev/zero >&3\nexec sleep 1000\n",
     0755,
     "60s",
     {Code::Corrupt, "prepare", "binary", "/new"}},
};

// A command that is to become this very process, with its descriptors: no other mode asks for that.
constexpr const char* kVmm = "#!/bin/sh\n" FAULT_VMM " \"$@\"\n";
const BadBinary kNotThisProcess[] = {
    {"ClearsTheEnvironment",
     "#!/bin/sh\nexec env -i " FAULT_VMM " \"$@\"\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "exit", "exited with 2"}},
    {"Forks", kVmm, 0755, "60s", {Code::Refused, "prepare", "binary", "/new"}},
    {"ForksAndLeaves",
     "#!/bin/sh\n" FAULT_VMM " \"$@\" &\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "binary", "/new"}},
    {"ClosesDescriptors",
     "#!/bin/sh\nexec " FAULT_VMM " \"$@\" 3>&-\n",
     0755,
     "60s",
     {Code::Refused, "prepare", "exit", "exited with 1"}},
    {"HangsInAChild",
     "#!/bin/sh\nsleep 1000\n",
     0755,
     "2s",
     {Code::Deadline, "prepare", "binary", "/new"}},
};

struct Row {
    const Mode* mode;
    const BadBinary* bad;
};
void PrintTo(const Row& row, std::ostream* out) {
    *out << row.mode->id << ", " << row.bad->name;
}
std::vector<Row> rows() {
    std::vector<Row> all;
    for (const Mode* mode : kModes)
        for (const BadBinary& bad : kBadBinaries)
            all.push_back({mode, &bad});
    for (const BadBinary& bad : kNotThisProcess)
        all.push_back({&kExec, &bad});
    return all;
}

class NewBinary : public FaultTest, public testing::WithParamInterface<Row> {
protected:
    std::string make(const BadBinary& bad) const {
        std::string path = *guest_ / "new";
        if (bad.script != nullptr && *bad.script != 0)
            std::ofstream(path) << bad.script;
        else if (bad.script != nullptr)
            std::filesystem::create_directory(path);
        ::chmod(path.c_str(), bad.mode);
        return path;
    }
};

TEST_P(NewBinary, IsRefused) {
    const auto& [mode, bad] = GetParam();
    test::GuestSpec spec = spec_of(*mode);
    spec.prepare = bad->prepare;
    boot(*mode, spec);
    const std::string path = make(*bad);
    update({"", path, ""});
    expect_refused(bad->said);
    std::filesystem::remove(path);
    // Nothing stands in the way of the next one, but a machine that is too busy for this deadline.
    report::UpdateRecord next;
    for (const Deadline limit = patience(); !limit.passed();) {
        update();
        next = over();
        if (!next.error || next.error->code() != Code::Deadline)
            break;
    }
    EXPECT_STREQ(report::name_of(next.status), "completed");
}

INSTANTIATE_TEST_SUITE_P(Fault, NewBinary, testing::ValuesIn(rows()), [](const auto& row) {
    return test_name(*row.param.mode, row.param.bad->name);
});

class GoodBinary : public FaultTest, public testing::WithParamInterface<const Mode*> {};

TEST_P(GoodBinary, HasTheGuest) {
    boot(*GetParam());
    update();
    expect_moved();
}
INSTANTIATE_TEST_SUITE_P(Fault, GoodBinary, testing::ValuesIn(kModes),
                         [](const auto& mode) { return mode.param->name; });

} // namespace
} // namespace segue::fault

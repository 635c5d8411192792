// SPDX-License-Identifier: Apache-2.0
// Each rule that the testkit knows, broken once: the case that is about it says what the plugin
// did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include <segue/testkit/check.hpp>

#include "tests/support/temp_dir.hpp"

namespace segue::testkit {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string built = SEGUE_TEST_PLUGINS;

struct Broken {
    const char *file, *way, *in, *says;
};

Request request(const std::string& file, const std::string& way) {
    Request r{built + "/" + file, {}};
    if (!way.empty())
        r.options["way"] = way;
    if (file == "transport/bad.so")
        r.options["dir"] = "{dir}";
    if (way == "block" || way == "drop") // what is waited for in vain
        r.deadline = std::chrono::seconds(4);
    return r;
}

class Testkit : public testing::TestWithParam<Broken> {};

TEST_P(Testkit, SaysWhatThePluginDidWrong) {
    const auto& [file, way, in, says] = GetParam();
    Request r = request(file, way);
    r.only = in;
    const Report report = check(r);
    ASSERT_EQ(report.rows.size(), 1u) << report.table();
    const Row& row = report.rows.front();
    EXPECT_EQ(row.name, in);
    EXPECT_EQ(row.verdict, Verdict::Failed);
    EXPECT_THAT(row.what, HasSubstr(says));
    EXPECT_NE(row.rule, "") << "what the ABI says";
    EXPECT_FALSE(report.passed());
}

constexpr Broken broken[] = {
    {"transport/bad.so", "leak", "leaks-nothing", "descriptor of "},
    {"transport/bad.so", "thread", "leaks-nothing", "threads: "},
    {"transport/bad.so", "block", "nobody-is-there", "accept did not come back within 4000 ms"},
    {"transport/bad.so", "drop", "carries-every-byte", "came, and then nothing more"},
    {"transport/bad.so", "umask", "leaves-the-process-alone", "umask"},
    {"transport/bad.so", "signal", "leaves-the-process-alone", "signal 10: default before"},
    {"transport/bad.so", "exit", "nobody-is-there", "ended with exit code 3 in create"},
    {"transport/bad.so", "check", "check-creates-nothing", "file left"},
    {"transport/bad.so", "file", "leaves-nothing", "file left"},
    {"memory/bad.so", "short", "makes-what-was-asked", "a file of 2097152 bytes for a block"},
    {"memory/bad.so", "size", "makes-what-was-asked", "a block of 2097152 bytes"},
    {"memory/bad.so", "private", "shares", "a private mapping that is said to survive"},
    {"memory/bad.so", "boasts", "makes-what-was-asked", "survives"},
    {"memory/bad.so", "dirty", "makes-what-was-asked", "byte 2097152 of a new block is not zero"},
    {"memory/bad.so", "cloexec", "makes-what-was-asked", "an execve would leave open"},
    {"memory/bad.so", "trusting", "refuses-what-is-no-ram", "took an eventfd"},
    {"memory/bad.so", "closes", "refuses-what-is-no-ram", "closed the descriptor"},
    {"memory/bad.so", "zeroes", "adopts", "what the guest wrote is not in the block"},
    {"keeper/bad.so", "", "check-changes-nothing", "check() let an exception out"},
    {"keeper/bad.so", "", "forgets", "hold() answered 77, which is no status"},
    {"keeper/bad.so", "", "gives-its-table", "[ exec ], and its table has [ exec kernel ]"},
    {"keeper/plain-c.so", "", "gives-back-what-it-held", "5 descriptors were held, and of 0"},
    {"mode/bad.so", "plan", "plans-what-it-declares", "none of those that it declares"},
    {"mode/bad.so", "early", "moves", "pass_state() was called in a phase"},
    {"mode/bad.so", "idle", "moves", "state was passed 0 times"},
    {"mode/bad.so", "no-ram", "moves", "put 0 of its 64 pages"},
    {"mode/bad.so", "channel", "moves", "channel 'other'"},
    {"mode/bad.so", "deaf", "passes-refusals-on", "every hook answered OK"},
};

std::string name_of(const testing::TestParamInfo<Broken>& info) {
    std::string name = std::string(info.param.file) + info.param.way + info.param.in;
    std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
    return name;
}

INSTANTIATE_TEST_SUITE_P(EachRule, Testkit, testing::ValuesIn(broken), name_of);

TEST(TestkitOf, PluginsThatBreakNothingPass) {
    for (const char* file : {"transport/bad.so", "memory/bad.so", "mode/bad.so"}) {
        const Report report = check(request(file, "none"));
        EXPECT_TRUE(report.passed()) << report.table();
        EXPECT_GT(report.rows.size(), 10u);
    }
}

TEST(TestkitOf, AConstructorThatThrowsEndsOnlyItsOwnProcess) {
    const Report report = check({built + "/keeper/throws-early.so", {}});
    ASSERT_EQ(report.rows.size(), 1u) << "nothing else is tried";
    EXPECT_EQ(report.rows[0].name, "loads");
    EXPECT_FALSE(report.passed());
    EXPECT_THAT(report.rows[0].what, HasSubstr("constructor")) << report.table();
}

// A copy of a built plugin whose manifest says something else.
TEST(TestkitOf, AManifestThatLiesIsNamedByTheLine) {
    const struct {
        const char *from, *to;
    } lies[] = {{"id = \"bad\"", "id = \"good\""},
                {"kind = \"segue.memory", "kind = \"segue.transport"},
                {"caps = [\"exec\", \"transfer\"]", "caps = [\"exec\", \"kernel\"]"},
                {"needs = []", "needs = [\"acme.clock/1\"]"}};
    for (const auto& lie : lies) {
        const test::TempDir dir;
        fs::copy(built + "/memory/bad.so", dir / "bad.so");
        std::stringstream text;
        text << std::ifstream(built + "/memory/bad.toml").rdbuf();
        std::string manifest = text.str();
        ASSERT_NE(manifest.find(lie.from), std::string::npos) << manifest;
        manifest.replace(manifest.find(lie.from), std::string(lie.from).size(), lie.to);
        std::ofstream(dir / "bad.toml") << manifest;
        Request r{dir / "bad.so", {}};
        r.only = "agrees-with-its-manifest";
        const Report report = check(r);
        ASSERT_EQ(report.rows.size(), 1u);
        EXPECT_EQ(report.rows[0].verdict, Verdict::Failed);
        EXPECT_THAT(report.rows[0].what, HasSubstr(lie.to));
        EXPECT_THAT(report.rows[0].what, HasSubstr(lie.from));
    }
}

TEST(TestkitOf, APluginUnderAnotherNameOrWithoutAManifestIsRefused) {
    const test::TempDir dir;
    fs::copy(built + "/memory/bad.so", dir / "other.so");
    const Report report = check({dir / "other.so", {}});
    EXPECT_THAT(report.table(), HasSubstr("its id is 'bad', and its file is called other.so"));
    EXPECT_THAT(report.table(), HasSubstr("there is no " + (dir / "other.toml")));
}

TEST(TestkitOf, WhatIsNoPluginIsSaid) {
    const test::TempDir dir;
    std::ofstream(dir / "text.so") << "not an ELF file";
    EXPECT_THAT(check({dir / "text.so", {}}).table(), HasSubstr("it cannot be loaded"));
    EXPECT_THAT(check({built + "/keeper/other-revision.so", {}}).table(),
                HasSubstr("its entry is of revision 99"));
}

} // namespace
} // namespace segue::testkit

// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/host_process.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace segue::vmm {
namespace {

using testing::HasSubstr;

Result<std::optional<HostProcess>> read_back(std::int64_t oom_score, const std::string& cgroup) {
    state::Writer w{state::Header{}};
    w.begin("process", "", 1);
    w.put_signed("oom-score", oom_score);
    w.put_text("cgroup", cgroup);
    w.end();
    return HostProcess::read(state::Reader::parse(w.finish()).value());
}

TEST(HostProcess, CrossesAndIsTheSame) {
    const auto own = HostProcess::self();
    ASSERT_TRUE(own) << own.error().what();
    EXPECT_FALSE(own->cgroup.empty());
    state::Writer w{state::Header{}};
    own->write(w);
    const auto reader = state::Reader::parse(w.finish()).value();
    const auto back = HostProcess::read(reader);
    ASSERT_TRUE(back && *back);
    EXPECT_TRUE(reader.all_taken());
    EXPECT_EQ((*back)->oom_score, own->oom_score);
    EXPECT_EQ((*back)->other_cgroup(), "");
    EXPECT_TRUE((*back)->take_oom_score());
}

TEST(HostProcess, AnOlderVmmSaidNothing) {
    state::Writer w{state::Header{}};
    const auto none = HostProcess::read(state::Reader::parse(w.finish()).value());
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
}

TEST(HostProcess, WhatNoProcessHasIsCorrupt) {
    EXPECT_TRUE(read_back(-1000, "0::/"));
    EXPECT_TRUE(read_back(1000, "0::/"));
    EXPECT_EQ(read_back(1001, "0::/").code(), Code::Corrupt);
    EXPECT_EQ(read_back(-1001, "0::/").code(), Code::Corrupt);
    EXPECT_EQ(read_back(0, std::string(4097, '/')).code(), Code::Corrupt);
}

TEST(HostProcess, TakesAnotherOomScore) {
    const HostProcess before = HostProcess::self().value();
    HostProcess other = before;
    other.oom_score = 900;
    ASSERT_TRUE(other.take_oom_score());
    EXPECT_EQ(HostProcess::self()->oom_score, 900);
    EXPECT_TRUE(before.take_oom_score()); // back to what it had needs no right
    EXPECT_EQ(HostProcess::self()->oom_score, before.oom_score);
}

TEST(HostProcess, NamesBothCgroups) {
    HostProcess other = HostProcess::self().value();
    other.cgroup = "5:cpu:/a\n0::/guests/g\n";
    EXPECT_THAT(other.other_cgroup(), HasSubstr("it was in 5:cpu:/a 0::/guests/g, this VMM is in"));
}

} // namespace
} // namespace segue::vmm

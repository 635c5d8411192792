// SPDX-License-Identifier: Apache-2.0
// config_test.cpp - the new side's configuration does not go with the running guest: that is found
// before the pause, in each mode.
#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

using Change = void (*)(test::GuestSpec&);

struct BadConfig {
    const char* name;
    Change change;
    Said said;
};

const BadConfig kBadConfigs[] = {
    {"MoreVcpus",
     [](test::GuestSpec& s) { s.vcpus = 2; },
     {Code::Refused, "prepare", "key", "guest.vcpus"}},
    {"MoreMemory",
     [](test::GuestSpec& s) { s.mib = 128; },
     {Code::Refused, "prepare", "key", "memory[0].size"}},
    {"OtherKernel",
     [](test::GuestSpec& s) { s.kernel = s.vmm; },
     {Code::Refused, "prepare", "key", "guest.kernel"}},
    {"PluginIsMissing",
     [](test::GuestSpec& s) { s.transport = "absent"; },
     {Code::NotFound, "prepare", "plugin", "transport/absent"}},
    {"PluginThrows",
     [](test::GuestSpec& s) { s.backend = "throws"; },
     {Code::Internal, "prepare", "plugin", "memory/throws"}},
    {"PluginHasNoSuchOption",
     [](test::GuestSpec& s) { s.options = "nonsense = 1"; },
     {Code::Invalid, "prepare", "key", "update.channels.main.options.nonsense"}},
};

const BadConfig kBadTransport = {"TransportThrows",
                                 [](test::GuestSpec& s) { s.transport = "throws"; },
                                 {Code::Internal, "prepare", "plugin", "transport/throws"}};
// Both look for the state where they are configured to: that must be one place.
const BadConfig kOtherPlace = {
    "AnotherPlaceForTheState",
    [](test::GuestSpec& s) { s.at_rest = "transport = 'file', options = { path = '/elsewhere' }"; },
    {Code::Refused, "prepare", "key", "update.channels.at-rest.options.path"}};

struct Row {
    const Mode* mode;
    const BadConfig* bad;
};
void PrintTo(const Row& row, std::ostream* out) {
    *out << row.mode->id << ", " << row.bad->name;
}
std::vector<Row> rows() {
    std::vector<Row> all;
    for (const Mode* mode : kModes)
        for (const BadConfig& bad : kBadConfigs)
            all.push_back({mode, &bad});
    // Where the state rests a change of its transport is a change of its place, and refused as
    // that.
    all.push_back({&kTransfer, &kBadTransport});
    all.push_back({&kExec, &kOtherPlace});
    all.push_back({&kReboot, &kOtherPlace});
    return all;
}

class NewConfig : public FaultTest, public testing::WithParamInterface<Row> {};

TEST_P(NewConfig, IsRefused) {
    const auto& [mode, bad] = GetParam();
    boot(*mode);
    test::GuestSpec other = spec_of(*mode);
    bad->change(other);
    update({"", "", guest_->write_config("other.toml", other)});
    expect_refused(bad->said);
}

INSTANTIATE_TEST_SUITE_P(Fault, NewConfig, testing::ValuesIn(rows()), [](const auto& row) {
    return test_name(*row.param.mode, row.param.bad->name);
});

class NoConfig : public FaultTest, public testing::WithParamInterface<const Mode*> {};

TEST_P(NoConfig, IsNamed) {
    boot(*GetParam());
    update({"", "", *guest_ / "absent.toml"});
    expect_refused({Code::NotFound, "prepare", "binary", "segue-vmm-fault"});
    EXPECT_THAT(over().error->what(), testing::HasSubstr("absent.toml"));
}
INSTANTIATE_TEST_SUITE_P(Fault, NoConfig, testing::ValuesIn(kModes),
                         [](const auto& mode) { return mode.param->name; });

} // namespace
} // namespace segue::fault

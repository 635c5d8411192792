// SPDX-License-Identifier: Apache-2.0
// config_test.cpp - the new side's configuration does not go with the running guest.
#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

struct BadConfig {
    const char* name;
    void (*change)(test::GuestSpec&);
    Said said;
};
void PrintTo(const BadConfig& row, std::ostream* out) {
    *out << row.name;
}

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
     [](test::GuestSpec& s) { s.transport = "throws"; },
     {Code::Internal, "prepare", "plugin", "transport/throws"}},
    {"PluginHasNoSuchOption",
     [](test::GuestSpec& s) { s.options = "nonsense = 1"; },
     {Code::Invalid, "prepare", "key", "update.channels.main.options.nonsense"}},
};

class NewConfig : public FaultTest, public testing::WithParamInterface<BadConfig> {};

TEST_P(NewConfig, IsRefused) {
    boot();
    test::GuestSpec other = usual_spec();
    GetParam().change(other);
    update({"", "", guest_->write_config("other.toml", other)});
    expect_refused(GetParam().said);
}

INSTANTIATE_TEST_SUITE_P(Fault, NewConfig, testing::ValuesIn(kBadConfigs),
                         [](const auto& row) { return row.param.name; });

TEST_F(FaultTest, AConfigurationThatIsNotThereIsNamed) {
    boot();
    update({"", "", *guest_ / "absent.toml"});
    expect_refused({Code::NotFound, "prepare", "binary", "segue-vmm-fault"});
    EXPECT_THAT(over().error->what(), testing::HasSubstr("absent.toml"));
}

} // namespace
} // namespace segue::fault

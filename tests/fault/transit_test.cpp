// SPDX-License-Identifier: Apache-2.0
// transit_test.cpp - the state is not what was sent when it arrives.
#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

// `options`: of the transport "spoilt", plugins/spoilt.cpp.
struct Spoilt {
    const char* name;
    const char* options;
    const char* handover; // deadline
    Code code;
};
void PrintTo(const Spoilt& row, std::ostream* out) {
    *out << row.name;
}

const Spoilt kSpoilt[] = {
    {"NotAContainer", "way = \"flip\", at = 0", "60s", Code::Corrupt},
    {"OfAnotherVersion", "way = \"flip\", at = 16", "60s", Code::Unsupported},
    {"OfAnotherGeneration", "way = \"flip\", at = 20", "60s", Code::Corrupt},
    {"BitFlippedInASection", "way = \"flip\", at = 300", "60s", Code::Corrupt},
    {"BitFlippedFarBehind", "way = \"flip\", at = 4000", "60s", Code::Corrupt},
    {"Truncated", "way = \"cut\", at = 1000", "60s", Code::Refused},
    {"NothingOfIt", "way = \"cut\", at = 0", "60s", Code::Refused},
    {"TailLost", "way = \"lose\", at = 1000", "2s", Code::Deadline},
    {"Stalled", "way = \"stall\", at = 1000", "2s", Code::Deadline},
};

class State : public FaultTest, public testing::WithParamInterface<Spoilt> {};

TEST_P(State, IsRefused) {
    test::GuestSpec spec = usual_spec();
    spec.transport = "spoilt";
    spec.options = GetParam().options;
    spec.handover = GetParam().handover;
    boot(spec);
    update();
    const bool stalls = std::string(GetParam().name) == "Stalled";
    expect_refused({GetParam().code, stalls ? "handover" : "commit", "binary", "segue-vmm-fault"});
}

INSTANTIATE_TEST_SUITE_P(Fault, State, testing::ValuesIn(kSpoilt),
                         [](const auto& row) { return row.param.name; });

} // namespace
} // namespace segue::fault

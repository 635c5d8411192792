// SPDX-License-Identifier: Apache-2.0
#include "core/report/verdict.hpp"

#include <gtest/gtest.h>

namespace segue::report {
namespace {

Verdict possible() {
    Verdict v;
    v.mode = "m";
    v.binary = "/opt/segue-vmm";
    v.from_version = "1.0.0";
    v.to_version = "1.1.0";
    v.ram = {{"ram0", "memfd", 256u << 20, true}, {"ram1", "private", 4096, false}};
    v.phases = {Phase::Preflight, Phase::Retire};
    return v;
}

TEST(VerdictText, OfWhatCanBeDone) {
    Verdict v = possible();
    v.blackout = {7, std::chrono::milliseconds(2), std::chrono::milliseconds(9)};
    v.budget = std::chrono::milliseconds(5);
    EXPECT_EQ(to_text(v),
              "dry run of mode/m: nothing stands in its way\n"
              "  binary     /opt/segue-vmm\n"
              "  version    1.0.0 -> 1.1.0\n"
              "  RAM        ram0, 256M of memory/memfd: stays in place\n"
              "  RAM        ram1, 4K of memory/private: is copied\n"
              "  phases     preflight, retire\n"
              "  blackout   about 2.00 ms, at most 9.00 ms by the last 7 updates by this mode; "
              "budget 5.00 ms\n");
}

TEST(VerdictText, NamesEachBlockerWithItsWayOut) {
    Verdict v = possible();
    v.to_version.clear();
    v.warnings = {"mind the gap"};
    v.blockers = {Error(Code::Refused, "no room\x1b[2J").way_out("make some"),
                  Error(Code::Refused, "no key")};
    const std::string text = to_text(v);
    EXPECT_EQ(text.find("dry run of mode/m: it cannot be done, 2 blockers\n"
                        "  blocker    no room [2J\n"
                        "    try      make some\n"
                        "  blocker    no key\n"
                        "  warning    mind the gap\n"),
              0u)
        << text;
    EXPECT_NE(text.find("1.0.0 -> it did not say"), std::string::npos) << text;
    EXPECT_NE(text.find("unknown: 0 updates"), std::string::npos) << text;
}

} // namespace
} // namespace segue::report

// SPDX-License-Identifier: Apache-2.0
// update_test.hpp - what the tests of updates that succeed share: the shipped programs, a guest,
// and one more generation of it.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/guest.hpp"

namespace segue::integration {

// Long: only a defect waits for it.
inline Deadline patience() {
    return Deadline::in(std::chrono::seconds(60));
}

template <class Condition>
bool comes_true(Condition condition) {
    for (const Deadline limit = patience(); !limit.passed();
         std::this_thread::sleep_for(std::chrono::milliseconds(5)))
        if (condition())
            return true;
    return false;
}

// What every mode is held to, for INSTANTIATE_TEST_SUITE_P; and how its instances are called.
inline auto every_mode() {
    return testing::Values("cpr-transfer", "cpr-exec", "cpr-reboot", "precopy", "postcopy",
                           "page-flip");
}
// A guest that it can move, and that keeps its memory where the mode leaves it in place.
test::GuestSpec spec_for(const std::string& mode);
inline std::string mode_name(const testing::TestParamInfo<const char*>& mode) {
    std::string name = mode.param;
    std::erase(name, '-');
    return name;
}

class UpdateTest : public testing::Test {
protected:
    static test::GuestSpec usual_spec();
    void boot(const test::GuestSpec& spec = usual_spec());

    // One update to its end, the old process gone; whoever has the guest now is `vm_`.
    report::UpdateRecord update(const control::UpdateRequest& request = {});
    // The same, where the record must say that it completed.
    void move(const control::UpdateRequest& request = {});
    control::VmInfo vm() const;
    // It has the memory that it had, and has not booted again.
    void expect_unharmed();

    std::unique_ptr<test::Guest> guest_;
    control::VmInfo vm_;
};

} // namespace segue::integration

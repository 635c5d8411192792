// SPDX-License-Identifier: Apache-2.0
// update_test.hpp - what the tests of updates that succeed share: the shipped programs, a guest,
// and one more generation of it.
#pragma once

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/guest.hpp"

namespace segue::integration {

// Long: only a defect waits for it.
inline Deadline patience() {
    return Deadline::in(std::chrono::seconds(60));
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

    std::unique_ptr<test::Guest> guest_;
    control::VmInfo vm_;
};

} // namespace segue::integration

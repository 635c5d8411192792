// SPDX-License-Identifier: Apache-2.0
// copying_test.hpp - for tests of the modes that give a guest other RAM, of two shares of 4 MiB.
#pragma once

#include <sys/stat.h>

#include "tests/integration/update_test.hpp"

namespace segue::integration {

class CopyingTest : public UpdateTest {
protected:
    report::UpdateRecord journal() const { return guest_->journal().back(); }

    // By the guest's first mode.
    void expect_other_ram() {
        const std::uint64_t inode = vm_.ram.at(0).inode;
        ASSERT_NO_FATAL_FAILURE(move());
        expect_unharmed();
        EXPECT_NE(vm_.ram.at(0).inode, inode);
        EXPECT_GT(journal().ram_bytes_copied, 8u << 20) << "two shares of 4 MiB";
    }
    // Which then goes on in place.
    void expect_same_ram() {
        const std::uint64_t now = vm_.ram.at(0).inode;
        ASSERT_NO_FATAL_FAILURE(move({"cpr-transfer", "", ""}));
        expect_unharmed();
        EXPECT_EQ(vm_.ram.at(0).inode, now);
    }
    // MiB that the host has given to the first block.
    auto ram_taken() const {
        struct stat st = {};
        EXPECT_EQ(::stat(vm_.ram.at(0).path.c_str(), &st), 0);
        return st.st_blocks / 2048;
    }
};

} // namespace segue::integration

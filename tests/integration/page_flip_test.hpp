// SPDX-License-Identifier: Apache-2.0
// page_flip_test.hpp - guests in private RAM, for the tests of mode page-flip.
#pragma once

#include <fstream>
#include <string>

#include "tests/integration/update_test.hpp"

namespace segue::integration {

class PageFlip : public UpdateTest {
protected:
    static test::GuestSpec spec(const std::string& options = "") {
        test::GuestSpec s = spec_for("page-flip");
        s.modes = {"page-flip", "cpr-transfer", "precopy"};
        s.data = "transport = 'unix'";
        s.vcpus = 2;
        s.backend = "private";
        s.mib = 64;
        s.memory = "";
        s.mode_options = options;
        return s;
    }
    // Its page is to be seen throughout: in a small block beside the private one. Each vCPU
    // verifies a share, the first one's in the one and the second one's in the other.
    static test::GuestSpec in_two_blocks(const std::string& options = "") {
        const test::GuestSpec blocks = spec_for("page-flip");
        test::GuestSpec s = spec(options);
        s.backend = blocks.backend;
        s.mib = blocks.mib;
        s.memory = blocks.memory;
        return s;
    }
    // Which takes so long to move that a cancel comes in between.
    static std::string large() {
        return "[[memory]]\nid = 'ram1'\nsize = '512M'\nbackend = 'private'";
    }
    // All of it is touched and verified.
    static test::GuestSpec full(test::GuestSpec s) {
        s.set = {"guest.cmdline=vcpus=2 print=0 share=0"};
        return s;
    }
    void flip() {
        ASSERT_NO_FATAL_FAILURE(move());
        const Status there = guest_->follow();
        ASSERT_TRUE(there) << there.error().what();
        expect_unharmed();
    }
    std::string begin() {
        const auto started = guest_->client().start_update({});
        EXPECT_TRUE(started) << started.error().what();
        return started ? started->id : "";
    }
    bool has_shared_parts(const std::string& block) const {
        std::ifstream maps("/proc/" + std::to_string(vm_.pid) + "/maps");
        for (std::string line; std::getline(maps, line);)
            if (line.find("/memfd:segue:" + block) != std::string::npos)
                return true;
        return false;
    }
    report::UpdateRecord over(const std::string& id) const {
        Result<report::UpdateRecord> r = report::UpdateRecord{};
        EXPECT_TRUE(comes_true([&] {
            r = guest_->client().update(id);
            return r && report::is_final(r->status);
        }));
        return r ? *r : report::UpdateRecord{};
    }
};

} // namespace segue::integration

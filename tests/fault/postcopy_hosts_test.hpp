// SPDX-License-Identifier: Apache-2.0
// postcopy_hosts_test.hpp - a guest that is on another host before its RAM is, and what the tests
// of a cable that is cut meanwhile do with it.
#pragma once

#include <string>

#include "tests/fault/hosts_test.hpp"

namespace segue::fault {

class PostcopyHosts : public Hosts {
protected:
    static test::GuestSpec spec() {
        return postcopy_spec("max_rounds = 0, bandwidth_after = '64K', channels = 2");
    }
    explicit PostcopyHosts(const test::GuestSpec& s = spec())
        : Hosts(s) {}

    static UpdateStatus status(const test::Guest& g, const std::string& id) {
        const auto r = g.client().update(id);
        return r ? r->status : UpdateStatus::Setup;
    }
    bool comes_to(const test::Guest& g, UpdateStatus wanted) {
        return comes_true([&] { return status(g, id_) == wanted; });
    }
    // A guest that is paused asks for nothing, and the rest takes minutes.
    void begin_slowly() {
        ASSERT_TRUE(a_.client().pause());
        ASSERT_NO_FATAL_FAILURE(begin());
        ASSERT_TRUE(comes_to(b_, UpdateStatus::PostcopyActive));
    }
    void cut_until_paused() {
        cable_->cut();
        ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
        ASSERT_TRUE(comes_to(b_, UpdateStatus::PostcopyPaused));
    }
    void recover() { recover(there_); }
    void recover(const std::string& there) {
        for (const test::Guest* g : {&b_, &a_}) {
            const Status s = g->client().recover(there);
            ASSERT_TRUE(s) << s.error().what();
        }
    }
    void expect_completes() {
        ASSERT_TRUE(b_.client().resume());
        expect_completed();
    }
    void expect_completed() {
        ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
        ASSERT_NO_FATAL_FAILURE(await_end(b_, UpdateStatus::Completed));
        ASSERT_NO_FATAL_FAILURE(expect_runs(b_));
        EXPECT_TRUE(comes_true([&] { return gone(a_); }));
    }
};

} // namespace segue::fault

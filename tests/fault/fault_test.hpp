// SPDX-License-Identifier: Apache-2.0
// fault_test.hpp - what the tests of failing updates share: a running guest, edges to hold, and
// what has to be right afterwards.
#pragma once

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/barriers.hpp"
#include "tests/fault/mode.hpp"
#include "tests/support/guest.hpp"

namespace segue::fault {

// Long: only a defect waits for it.
inline Deadline patience() {
    return Deadline::in(std::chrono::seconds(60));
}

// What a failed update must say.
struct Said {
    Code code;
    std::string phase;
    std::string key, value; // a detail, and what it holds
};

// A guest that every mode may update; this one is the usual.
test::GuestSpec spec_of(const Mode& mode);
inline constexpr const char* kState = "at-rest.channel"; // in the run folder

class FaultTest : public testing::Test {
protected:
    // A guest that runs; what its VMM holds is remembered.
    void boot(const Mode& mode) { boot(mode, spec_of(mode)); }
    void boot(const Mode& mode, const test::GuestSpec& spec);

    // Begins an update; with `hold` both go as far as that edge.
    void update(const control::UpdateRequest& request = {});
    void update_until(const Edge& edge, const control::UpdateRequest& request = {});
    // Its record once it is over.
    report::UpdateRecord over();
    // Who stands at the edge.
    pid_t held_at(const Edge& edge);

    // The update failed as said, and the guest runs on in the VMM that it was in: unharmed, nothing
    // left of the attempt, the journal says so.
    void expect_refused(const Said& said);
    void expect_cancelled();
    // The update completed: the guest runs on in another process, and the old one is gone; or in
    // the same one's next image.
    void expect_moved();
    // The guest went with its owner, as in any crash of a VMM: no process is left, nobody can start
    // it, and whoever asks is told. `left`: files of the run folder.
    void expect_lost(const std::vector<std::string>& left);
    // No process has the guest, and a start gets it as it was.
    void expect_starts();
    // A VMM beside those that there are, as `segue start` makes it; how it ended, where it did.
    Result<Child> start_at_rest() const { return guest_->start_vmm({"--restore"}); }
    // The guest runs in `vmm` and is unharmed, and what is typed on its console arrives.
    void expect_runs(pid_t vmm, std::uint32_t generation);
    // Nothing of an attempt is left: `vmm` holds what the first one held, and is alone.
    void expect_nothing_left(pid_t vmm);
    // No process of this guest lives any more, and nothing lies about but `files` of its folder.
    void expect_gone(const std::vector<std::string>& files = {});
    // What `segue history` tells of the update.
    report::UpdateRecord told() const;
    // Kills it, and waits until its descriptors are closed.
    static void kill(pid_t pid);
    // The process ends by itself.
    void expect_exit(pid_t pid);
    // The update's one entry.
    report::UpdateRecord journal_entry();

    // Where KVM's log of writes was on, in either process.
    std::vector<Edge> logged_edges() const;

    // Waits until the ownership record says OFFERED.
    void await_offer();
    // Waits until the engine of `vmm` was told to cancel its update: its eventfd has a count.
    void await_cancel_in(pid_t vmm);

    void TearDown() override;

    std::unique_ptr<Barriers> barriers_;
    std::unique_ptr<test::Guest> guest_;
    const Mode* mode_ = nullptr;
    pid_t old_ = 0;  // the VMM before the update
    std::string id_; // of the update

private:
    void expect_here();

    test::Holdings before_;
};

} // namespace segue::fault

// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/update_test.hpp"

#include <sys/wait.h>

#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"

namespace segue::integration {

namespace {

bool same_process(const report::UpdateRecord& record) {
    return record.mode == "cpr-exec" || record.rehearsal;
}

// To RAM of the new VMM's own.
bool is_copied(const std::string& mode) {
    return mode == "precopy" || mode == "postcopy";
}

} // namespace

test::GuestSpec UpdateTest::usual_spec() {
    test::GuestSpec spec;
    spec.vmm = SEGUE_VMM;
    spec.kernel = METRONOME_ELF;
    return spec;
}

test::GuestSpec spec_for(const std::string& mode) {
    test::GuestSpec spec;
    spec.vmm = SEGUE_VMM;
    spec.kernel = METRONOME_ELF;
    spec.modes = {mode};
    spec.at_rest = "transport = 'file'";
    const bool copies = is_copied(mode);
    spec.backend = copies ? "memfd" : "file";
    if (mode == "page-flip") { // beside the block whose page the tests look at
        spec.backend = "memfd";
        spec.mib = 16;
        spec.memory = "[[memory]]\nid = 'ram1'\nsize = '48M'\nbackend = 'private'";
    }
    spec.data = copies ? "transport = 'unix'" : "";
    spec.request = mode == "postcopy" ? "transport = 'unix'" : "";
    if (mode == "precopy") // on however slow a machine
        spec.mode_options = "converge = 'switch'";
    if (mode == "postcopy") // else a small guest fits into the pause
        spec.mode_options = "max_rounds = 0";
    return spec;
}

void UpdateTest::boot(const test::GuestSpec& spec) {
    guest_ = std::make_unique<test::Guest>(spec);
    const Status up = guest_->start();
    ASSERT_TRUE(up) << up.error().what();
    vm_ = vm();
}

control::VmInfo UpdateTest::vm() const {
    auto vm = guest_->client().vm();
    EXPECT_TRUE(vm) << vm.error().what();
    return vm ? *vm : control::VmInfo{};
}

report::UpdateRecord UpdateTest::update(const control::UpdateRequest& request) {
    const auto pidfd = sys::pidfd(vm_.pid);
    auto record = guest_->client().start_update(request);
    for (const Deadline limit = patience(); record && !report::is_final(record->status);) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        record = guest_->client().update(record->id);
        if (limit.passed())
            break;
    }
    EXPECT_TRUE(record) << record.error().what();
    if (!record)
        return {};
    if (record->status == report::UpdateStatus::Completed && pidfd && !same_process(*record)) {
        EXPECT_TRUE(Waiter{patience()}.until(pidfd->get(), POLLIN)) << "the old VMM stays";
        ::waitpid(vm_.pid, nullptr, 0);
    }
    vm_ = vm();
    if (record->status == report::UpdateStatus::Completed && is_copied(record->mode) &&
        !record->rehearsal) {
        const Status there = guest_->follow();
        EXPECT_TRUE(there) << there.error().what();
    }
    return *record;
}

void UpdateTest::move(const control::UpdateRequest& request) {
    const control::VmInfo before = vm_;
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    if (same_process(r))
        EXPECT_EQ(vm_.pid, before.pid);
    else
        EXPECT_NE(vm_.pid, before.pid);
    EXPECT_EQ(vm_.generation, before.generation + 1);
    EXPECT_EQ(vm_.uuid, before.uuid);
    EXPECT_EQ(vm_.state, before.state);
}

void UpdateTest::expect_unharmed() {
    const Status verified = guest_->page().verify(patience());
    EXPECT_TRUE(verified) << verified.error().what();
    EXPECT_EQ(guest_->page().errors(), "");
    EXPECT_EQ(guest_->page().boots(), 1u);
}

} // namespace segue::integration

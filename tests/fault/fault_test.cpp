// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/fault_test.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"
#include "core/update/fate.hpp"
#include "core/update/ownership.hpp"

namespace segue::fault {

using report::UpdateStatus;

namespace {

constexpr auto kPoll = std::chrono::milliseconds(2);

} // namespace

test::GuestSpec spec_of(const Mode& mode) {
    test::GuestSpec spec;
    spec.modes = {mode.id};
    spec.backend = mode.copies || mode.converts ? "memfd" : "file";
    if (mode.converts) { // beside the block whose page the tests look at
        spec.mib = 16;
        spec.vcpus = 3; // shares in both
        spec.memory = "[[memory]]\nid = 'ram1'\nsize = '48M'\nbackend = 'private'";
    }
    spec.data = mode.copies ? "transport = 'unix'" : "";
    spec.request = mode.after ? "transport = 'unix'" : "";
    spec.mode_options = mode.after ? "max_rounds = 0" : "";
    spec.at_rest = "transport = \"file\"";
    spec.vmm = FAULT_VMM;
    spec.kernel = METRONOME_ELF;
    spec.plugin_dirs = {FAULT_PLUGINS};
    return spec;
}

void FaultTest::boot(const Mode& mode, const test::GuestSpec& spec) {
    mode_ = &mode;
    guest_ = std::make_unique<test::Guest>(spec);
    barriers_ = std::make_unique<Barriers>(*guest_ / "edges");
    ::setenv(kBarrierVariable, barriers_->path().c_str(), 1);
    const Status up = guest_->start();
    ASSERT_TRUE(up) << up.error().what();
    old_ = guest_->first().pid;
    before_ = guest_->holdings(old_);
}

void FaultTest::TearDown() {
    if (!barriers_)
        return;
    const auto logged = logged_edges();
    if (!mode_->copies) {
        EXPECT_THAT(logged, testing::IsEmpty()) << "dirty logging was on";
    }
    for (const char* edge : {"old prepare", "old ended", "new copy", "new handover", "new retire"})
        EXPECT_THAT(logged, testing::Not(testing::Contains(edge)));
}

std::vector<Edge> FaultTest::logged_edges() const {
    std::ifstream file(barriers_->path() + kDirtySuffix);
    std::vector<Edge> edges;
    for (std::string line; std::getline(file, line);)
        edges.push_back(line);
    return edges;
}

void FaultTest::update(const control::UpdateRequest& request) {
    const auto record = guest_->client().start_update(request);
    ASSERT_TRUE(record) << record.error().what();
    id_ = record->id;
}

void FaultTest::update_until(const Edge& edge, const control::UpdateRequest& request) {
    barriers_->hold(edge);
    update(request);
    ASSERT_GT(held_at(edge), 0);
}

pid_t FaultTest::held_at(const Edge& edge) {
    const auto pid = barriers_->reached(edge, patience());
    EXPECT_TRUE(pid) << pid.error().what();
    return pid ? *pid : -1;
}

report::UpdateRecord FaultTest::over() {
    for (const Deadline limit = patience();;) {
        const auto record = guest_->client().update(id_);
        if (record && report::is_final(record->status)) {
            if (mode_->copies && record->status == UpdateStatus::Completed) {
                EXPECT_TRUE(guest_->follow());
            }
            return *record;
        }
        if (limit.passed()) {
            ADD_FAILURE() << "update " << id_ << " does not end: "
                          << (record ? report::name_of(record->status) : record.error().what());
            return {};
        }
        std::this_thread::sleep_for(kPoll);
    }
}

void FaultTest::expect_refused(const Said& said) {
    for (const report::UpdateRecord& r : {over(), journal_entry()}) {
        EXPECT_EQ(r.id, id_);
        EXPECT_STREQ(report::name_of(r.status), report::name_of(UpdateStatus::Failed));
        ASSERT_TRUE(r.error);
        EXPECT_STREQ(name_of(r.error->code()), name_of(said.code)) << r.error->what();
        EXPECT_EQ(r.error->detail("phase"), said.phase) << r.error->what();
        EXPECT_THAT(r.error->detail(said.key), testing::HasSubstr(said.value)) << r.error->what();
        EXPECT_NE(r.error->way_out(), "") << r.error->what();
    }
    expect_here();
}

void FaultTest::expect_cancelled() {
    for (const report::UpdateRecord& r : {over(), journal_entry()}) {
        EXPECT_EQ(r.id, id_);
        EXPECT_STREQ(report::name_of(r.status), report::name_of(UpdateStatus::Cancelled));
    }
    expect_here();
}

void FaultTest::expect_here() {
    expect_runs(old_, 1);
    expect_nothing_left(old_);
}

void FaultTest::expect_moved() {
    const report::UpdateRecord r = over();
    EXPECT_STREQ(report::name_of(r.status), report::name_of(UpdateStatus::Completed))
        << (r.error ? r.error->what() : "");
    EXPECT_EQ(r.mode, mode_->id);
    EXPECT_EQ(r.to_pid == old_, mode_->same_process);
    if (!mode_->same_process)
        expect_exit(old_);
    expect_runs(r.to_pid, 2);
    EXPECT_STREQ(report::name_of(journal_entry().status), report::name_of(UpdateStatus::Completed));
    expect_nothing_left(r.to_pid);
}

void FaultTest::expect_lost(const std::vector<std::string>& left) {
    expect_exit(old_);
    expect_gone(left);
    const report::UpdateRecord r = told();
    EXPECT_STREQ(report::name_of(r.status), report::name_of(UpdateStatus::Failed));
    ASSERT_TRUE(r.error);
    EXPECT_NE(r.error->detail("phase"), "") << r.error->what();
    EXPECT_NE(r.error->way_out(), "") << r.error->what();
    const auto start = start_at_rest();
    ASSERT_TRUE(start) << start.error().what();
    const auto exit = wait_exit(*start, patience());
    ASSERT_TRUE(exit) << "a guest that was lost runs again";
    EXPECT_EQ(to_string(*exit), "exited with 1") << guest_->log();
}

void FaultTest::expect_starts() {
    const auto vmm = start_at_rest();
    ASSERT_TRUE(vmm) << vmm.error().what();
    for (const Deadline limit = patience(); !guest_->client().healthz();)
        ASSERT_FALSE(limit.passed()) << guest_->log();
    const auto now = guest_->client().vm();
    ASSERT_TRUE(now) << now.error().what();
    EXPECT_EQ(now->pid, vmm->pid);
    EXPECT_EQ(now->generation, 2u);
    const Status verified = guest_->page().verify(patience());
    EXPECT_TRUE(verified) << verified.error().what();
    EXPECT_EQ(guest_->page().boots(), 1u);
    EXPECT_THAT(guest_->processes_until({vmm->pid}, patience()), testing::ElementsAre(vmm->pid));
}

void FaultTest::expect_runs(pid_t vmm, std::uint32_t generation) {
    const auto vm = guest_->client().vm();
    ASSERT_TRUE(vm) << vm.error().what();
    EXPECT_EQ(vm->pid, vmm);
    EXPECT_EQ(vm->generation, generation);
    EXPECT_STREQ(report::name_of(vm->state), report::name_of(report::RunState::Running));
    const Status verified = guest_->page().verify(patience());
    EXPECT_TRUE(verified) << verified.error().what();
    EXPECT_EQ(guest_->page().boots(), 1u);
    ASSERT_TRUE(guest_->type('e'));
    const Status obeyed = guest_->page().finds_one_error(patience());
    EXPECT_TRUE(obeyed) << obeyed.error().what();
}

void FaultTest::expect_nothing_left(pid_t vmm) {
    const auto now = [&] {
        test::Holdings all = guest_->holdings(vmm);
        if (mode_->converts) // what has moved so far stays where it is
            all.erase("fd /memfd:segue:ram1 (deleted)");
        return all;
    };
    const Deadline limit = Deadline::in(std::chrono::seconds(10));
    EXPECT_EQ(test::lasting_difference(before_, now, limit), "");
    EXPECT_THAT(guest_->processes_until({vmm}, limit), testing::ElementsAre(vmm));
}

void FaultTest::expect_gone(const std::vector<std::string>& files) {
    EXPECT_THAT(guest_->processes_until({}, patience()), testing::IsEmpty());
    test::Holdings left = {{"file run/g", 1},
                           {"file run/g/vmm.log", 1},
                           {"file state/g", 1},
                           {"file state/g/journal.jsonl", 1}};
    for (const std::string& file : files)
        left["file run/g/" + file] = 1;
    if (!files.empty()) // nobody was there to end it in order
        left["file state/g/start"] = 1;
    EXPECT_EQ(test::difference(left, test::files_below(*guest_ / "", {"run", "state"})), "");
}

void FaultTest::kill(pid_t pid) {
    const auto fd = sys::pidfd(pid);
    ASSERT_TRUE(fd) << fd.error().what();
    ASSERT_TRUE(sys::pidfd_signal(fd->get(), SIGKILL));
    ASSERT_TRUE(Waiter{patience()}.until(fd->get(), POLLIN));
}

void FaultTest::expect_exit(pid_t pid) {
    const auto fd = sys::pidfd(pid);
    if (fd && !Waiter{patience()}.until(fd->get(), POLLIN)) {
        ADD_FAILURE() << "process " << pid << " does not end";
        return;
    }
    ::waitpid(pid, nullptr, 0); // ours by birth, or as its reaper
}

// Written when the status is final already: the file may take a moment.
report::UpdateRecord FaultTest::journal_entry() {
    auto all = guest_->journal();
    const auto written = [&] { return !all.empty() && report::is_final(all.front().status); };
    for (const Deadline limit = patience(); !written() && !limit.passed();) {
        std::this_thread::sleep_for(kPoll);
        all = guest_->journal();
    }
    EXPECT_EQ(all.size(), 1u) << "entries of update " << id_ << " in the journal";
    if (all.empty())
        return {};
    EXPECT_EQ(all.front().id, id_);
    return all.front();
}

report::UpdateRecord FaultTest::told() const {
    auto all = guest_->journal();
    EXPECT_EQ(all.size(), 1u);
    if (all.empty())
        return {};
    if (!report::is_final(all.front().status))
        update::find_fate(all.front(), guest_->places(), is_locked(guest_->places()));
    return all.front();
}

void FaultTest::await_offer() {
    auto record = update::Ownership::adopt(sys::open(guest_->places().owner(), O_RDWR).value());
    ASSERT_TRUE(record) << record.error().what();
    for (const Deadline limit = patience(); record->word().state != update::Owner::Offered;) {
        ASSERT_FALSE(limit.passed()) << update::to_string(record->word());
        std::this_thread::sleep_for(kPoll);
    }
}

void FaultTest::await_cancel_in(pid_t vmm) {
    const Deadline limit = patience();
    const auto cancels = [&] {
        std::error_code gone;
        const std::string folder = "/proc/" + std::to_string(vmm) + "/fdinfo";
        for (std::filesystem::directory_iterator fd(folder, gone), end; !gone && fd != end;
             fd.increment(gone)) {
            std::ifstream info(fd->path());
            for (std::string key, value; info >> key >> value;)
                if (key == "eventfd-count:" && value == "1")
                    return true;
        }
        return false;
    };
    // A wake-up of the VMM's own is consumed at once; this one stays.
    constexpr int kStays = 10;
    for (int seen = 0; seen < kStays; seen = cancels() ? seen + 1 : 0) {
        ASSERT_FALSE(limit.passed()) << "nobody cancels the update";
        std::this_thread::sleep_for(kPoll);
    }
}

} // namespace segue::fault

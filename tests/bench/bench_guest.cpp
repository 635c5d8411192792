// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bench_guest.hpp"

#include <algorithm>
#include <thread>

#include "tests/bench/cores.hpp"

namespace segue::bench {

using namespace std::chrono_literals;

namespace {

constexpr auto kSlice = 5ms;
constexpr int kSlices = 6; // between two looks at the update's record: rarely in the pause
// A gap is told once it is over: the guest's first step may come that long after the gate opened.
constexpr auto kFirstStep = 5ms;
constexpr auto kSettle = 20ms;

std::string list_of(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& w : words)
        text += (text.empty() ? "\"" : ", \"") + w + "\"";
    return "[" + text + "]";
}

} // namespace

// The longest of the slices that overlap the pause; one that spans two is whole in the later one.
Result<double> BenchGuest::blackout_in(const std::vector<Slice>& slices,
                                       const report::UpdateRecord& record) {
    observer::Time from = observer::Time::max(), to{0};
    for (const report::PhaseTime& p : record.phases)
        if (p.phase == report::Phase::Pause)
            from = p.began;
        else if (p.phase == report::Phase::Commit)
            to = p.ended + kFirstStep;
    double longest = 0;
    for (const Slice& s : slices)
        if (s.seen.begin <= to && s.seen.end >= from) {
            longest = std::max(longest, s.gap_us);
            SEGUE_TRY(check_gap(longest, s.seen));
        }
    if (longest == 0)
        return Error(Code::Internal, "none of " + std::to_string(slices.size()) +
                                         " slices was in the pause from " +
                                         std::to_string(from.count()) + " to " +
                                         std::to_string(to.count()) + " ns");
    return longest;
}

Result<std::unique_ptr<BenchGuest>> BenchGuest::start(const BenchSpec& spec) {
    std::unique_ptr<BenchGuest> guest(new BenchGuest(spec));
    if (Status s = guest->boot(); !s)
        return std::move(s).error();
    return guest;
}

Status BenchGuest::boot() {
    const std::string vcpus = std::to_string(spec_.vcpus);
    SEGUE_TRY(
        vmm_.start("vcpus = " + vcpus + "\ncmdline = \"vcpus=" + vcpus + " print=0 share=4M\"\n",
                   "[[memory]]\nid = \"ram0\"\nsize = \"" + std::to_string(spec_.ram_mib) +
                       "M\"\nbackend = \"file\"\noptions.path = \"" + (vmm_ / "ram") +
                       "\"\n[update]\nkeeper = \"exec\"\nmode = \"" + spec_.modes.front() +
                       "\"\nallow = " + list_of(spec_.modes) +
                       "\nchannels.cpr = { transport = \"unix\" }\n"
                       "channels.main = { transport = \"unix\" }\n"
                       "channels.at-rest = { transport = \"file\" }\n"));
    SEGUE_ASSIGN(const control::VmInfo vm, vmm_.client().vm());
    return watch(vm);
}

// Again where a mode gave the guest other RAM.
Status BenchGuest::watch(const control::VmInfo& vm) {
    vmm_.owned_by(vm.pid);
    place(vm.pid, spec_.vcpus, spec_.placement);
    const control::RamInfo& ram = vm.ram.front();
    if (ram.inode == inode_)
        return {};
    const int cpu = spec_.placement == Placement::Free ? -1 : observer_core(cores());
    const observer::Ram where{ram.path, ram.offset};
    SEGUE_ASSIGN(observer_, observer::Observer::start(
                                {where}, cpu, Deadline::in(BenchVmm::kPatience), kPollEvery));
    SEGUE_ASSIGN(gaps_, Gaps::of(where));
    inode_ = ram.inode;
    return {};
}

Result<double> BenchGuest::idle(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(kSettle);
    (void)cut();
    std::this_thread::sleep_for(time);
    const Slice slice = cut();
    SEGUE_TRY(check_gap(slice.gap_us, slice.seen));
    return slice.gap_us;
}

// The observer's measurement ends first: what it proves, the guest's gap then covers.
BenchGuest::Slice BenchGuest::cut() {
    Slice slice{observer_->reset(), 0};
    slice.gap_us = gaps_->take_us();
    return slice;
}

Result<report::UpdateRecord> BenchGuest::finished(const std::string& id,
                                                  std::vector<Slice>& slices) {
    for (const Deadline deadline = Deadline::in(BenchVmm::kPatience);;) {
        for (int i = 0; i < kSlices; ++i) {
            std::this_thread::sleep_for(kSlice);
            slices.push_back(cut());
        }
        auto record = vmm_.client().update(id);
        if (record && report::is_final(record->status)) {
            slices.push_back(cut()); // it may have ended while the request waited
            return record;
        }
        if (deadline.passed())
            return record ? Error(Code::Deadline, "update " + id + " does not end")
                          : std::move(record).error();
    }
}

Result<Observed> BenchGuest::update(const std::string& mode) {
    place(vmm_.owner(), spec_.vcpus, spec_.placement);
    std::this_thread::sleep_for(kSettle);
    (void)cut();
    SEGUE_ASSIGN(const report::UpdateRecord begun, vmm_.client().start_update({mode, "", ""}));
    Observed seen;
    std::vector<Slice> slices;
    SEGUE_ASSIGN(seen.record, finished(begun.id, slices));
    if (seen.record.status != report::UpdateStatus::Completed)
        return seen.record.error ? *seen.record.error
                                 : Error(Code::Internal, "update " + begun.id + " failed");
    vmm_.owned_by(seen.record.to_pid); // also where the rest fails: it must end with this
    SEGUE_ASSIGN(seen.blackout_us, blackout_in(slices, seen.record));
    SEGUE_ASSIGN(const control::VmInfo vm, vmm_.client().vm());
    SEGUE_TRY(watch(vm));
    return seen;
}

Status BenchGuest::resume() const {
    SEGUE_TRY(vmm_.client().resume());
    std::this_thread::sleep_for(kSettle);
    return {};
}

Status BenchGuest::check() const {
    const volatile segue_page& page = observer_->page();
    std::uint64_t wrong = page.header.boot_count - 1;
    for (unsigned i = 0; i < spec_.vcpus; ++i)
        wrong += page.slot[i].mem_errors + page.slot[i].reg_errors + page.slot[i].tsc_backward;
    if (wrong != 0)
        return Error(Code::Corrupt, "the guest found " + std::to_string(wrong) +
                                        " things wrong in itself after its updates");
    return {};
}

} // namespace segue::bench

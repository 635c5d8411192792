// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/copy_guest.hpp"

#include <sys/wait.h>

#include <thread>

#include "core/observer/observer.hpp"

namespace segue::bench {

using namespace std::chrono_literals;

namespace {

constexpr auto kPoll = 100ms; // of the record, which has the times: to ask costs the VMM some
constexpr auto kSettle = 500ms;

double now_s() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

} // namespace

Result<std::unique_ptr<CopyGuest>> CopyGuest::start(const CopySpec& spec) {
    std::unique_ptr<CopyGuest> guest(new CopyGuest(spec));
    SEGUE_TRY(guest->boot());
    return guest;
}

// share=0: all of it. Its page lies in a small block that can be seen. With prealloc the half that
// nobody writes is pages, of zeros, as of a guest that has freed them.
Status CopyGuest::boot() {
    SEGUE_TRY(vmm_.start(
        "vcpus = 1\ncmdline = \"vcpus=1 print=0 share=" +
            std::to_string(spec_.full ? 0 : spec_.ram_mib / 2) +
            "M rate=" + std::to_string(spec_.write_mib) + "M\"\n",
        "[[memory]]\nid = \"ram0\"\nsize = \"16M\"\nbackend = \"memfd\"\n[[memory]]\nid = "
        "\"ram1\"\nsize = \"" +
            std::to_string(spec_.ram_mib) +
            "M\"\nbackend = \"private\"\nprealloc = true\n[update]\nmode = \"" + spec_.mode +
            "\"\noptions." + spec_.mode + " = { " + spec_.options +
            " }\nchannels.cpr = { transport = \"unix\" }\nchannels.main = { transport = \"unix\" "
            "}\nchannels.data = { transport = \"unix\" }\nchannels.request = { transport = "
            "\"unix\" }\n"));
    SEGUE_TRY(filled());
    const double cpu = vmm_.cpu_seconds(), since = now_s();
    std::this_thread::sleep_for(kSettle);
    load_ = (vmm_.cpu_seconds() - cpu) / (now_s() - since);
    return {};
}

Status CopyGuest::filled() const {
    SEGUE_ASSIGN(const control::VmInfo vm, vmm_.client().vm());
    const Deadline deadline = Deadline::in(BenchVmm::kPatience);
    SEGUE_ASSIGN(const auto observer,
                 observer::Observer::start({{vm.ram.front().path, vm.ram.front().offset}}, -1,
                                           deadline, kPoll));
    while (observer->page().slot[0].passes == 0) {
        if (deadline.passed())
            return Error(Code::Deadline, "the guest does not fill its RAM");
        std::this_thread::sleep_for(kPoll);
    }
    return {};
}

Result<double> CopyGuest::longest_us() const {
    SEGUE_ASSIGN(const control::VmInfo vm, vmm_.client().vm());
    SEGUE_ASSIGN(Gaps gaps, Gaps::of({vm.ram.front().path, vm.ram.front().offset}));
    return gaps.take_us();
}

Result<report::UpdateRecord> CopyGuest::finished(const std::string& id) const {
    for (const Deadline deadline = Deadline::in(BenchVmm::kPatience);;) {
        std::this_thread::sleep_for(kPoll);
        auto record = vmm_.client().update(id);
        if (!record || report::is_final(record->status))
            return record;
        if (deadline.passed())
            return Error(Code::Deadline, "update " + id + " does not end");
    }
}

Result<Copied> CopyGuest::update() {
    SEGUE_TRY(longest_us()); // what was before is forgotten
    const double cpu = vmm_.cpu_seconds(), since = now_s();
    SEGUE_ASSIGN(const report::UpdateRecord begun, vmm_.client().start_update({}));
    SEGUE_ASSIGN(const report::UpdateRecord record, finished(begun.id));
    if (record.status != report::UpdateStatus::Completed)
        return record.error ? *record.error : Error(Code::Internal, "update " + begun.id);
    vmm_.owned_by(record.to_pid);
    Copied seen;
    seen.cpu_s = vmm_.cpu_seconds() - cpu - load_ * (now_s() - since);
    SEGUE_ASSIGN(const double longest, longest_us());
    seen.longest_ms = longest / 1000;
    seen.blackout_ms = std::chrono::duration<double, std::milli>(record.blackout).count();
    for (const report::PhaseTime& p : record.phases)
        if (p.phase == report::Phase::Commit || p.phase == report::Phase::Fetch)
            seen.seconds =
                std::chrono::duration<double>(p.ended - record.phases.front().began).count();
    seen.faults = record.faults;
    return seen;
}

} // namespace segue::bench

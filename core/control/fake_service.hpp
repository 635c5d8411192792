// SPDX-License-Identifier: Apache-2.0
// fake_service.hpp - a guest that is only told about. For tests.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "core/control/service.hpp"

namespace segue::control {

// pause() waits in it while `slow` is set, so that a test has a request in hand.
class FakeService final : public Service {
public:
    VmInfo vm() override {
        const std::lock_guard lock(mutex_);
        return info;
    }
    Status pause() override {
        ++pauses;
        std::unique_lock lock(mutex_);
        changed_.notify_all();
        changed_.wait(lock, [this] { return !slow_; });
        return {};
    }
    Status resume() override { return {}; }
    Status wakeup() override {
        ++wakeups;
        be(report::RunState::Running);
        return {};
    }
    Status shutdown() override {
        ++shutdowns;
        return {};
    }
    Status set_balloon(std::uint64_t bytes) override {
        balloon = bytes;
        return {};
    }
    Status quit() override {
        ++quits;
        return {};
    }
    Result<report::UpdateRecord> start_update(const UpdateRequest& request) override {
        if (refusal)
            return *refusal;
        const std::lock_guard lock(mutex_);
        asked_ = request;
        return record;
    }
    Result<report::Verdict> preflight(const UpdateRequest& request) override {
        if (refusal)
            return *refusal;
        const std::lock_guard lock(mutex_);
        asked_ = request;
        return verdict;
    }
    Result<report::UpdateRecord> update(const std::string& id) override {
        const std::lock_guard lock(mutex_);
        if (id != record.id)
            return Error(Code::NotFound, "there is no update '" + id + "'");
        return record;
    }
    std::vector<report::UpdateRecord> updates(std::size_t limit) override {
        return std::vector<report::UpdateRecord>(std::min<std::size_t>(limit, 2), record);
    }
    std::vector<PluginInfo> plugins() override { return {example_plugin()}; }
    Status cancel_update() override {
        ++cancels;
        if (!cancellable)
            return Error(Code::Refused, "too late");
        become(report::UpdateStatus::Cancelled);
        return {};
    }

    Status switch_now() override {
        ++switches;
        return {};
    }
    Status recover(const std::string& channel, bool from_owner) override {
        const std::lock_guard lock(mutex_);
        recovered_at = channel;
        return from_owner ? Status() : Error(Code::Refused, "not yours");
    }
    Status resolve(bool here) override {
        if (!cancellable)
            return Error(Code::Refused, "nothing is in doubt");
        (here ? resolved_here : resolved_there) = true;
        return {};
    }

    // The last one.
    UpdateRequest asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }
    // While others may be asking.
    void become(report::UpdateStatus status) {
        const std::lock_guard lock(mutex_);
        record.status = status;
    }
    template <class F>
    void change(F f) {
        const std::lock_guard lock(mutex_);
        f(info);
    }
    void be(report::RunState state) {
        change([&](VmInfo& vm) { vm.state = state; });
    }
    void slow(bool on) {
        const std::lock_guard lock(mutex_);
        slow_ = on;
        changed_.notify_all();
    }
    void await_pause() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return pauses > 0; });
    }

    static VmInfo example_vm() {
        VmInfo vm;
        vm.name = "web1";
        vm.uuid = "0b8f0a0e-5a0c-4a53-9d7b-1f0d6f4f3c11";
        vm.version = "1.2.3";
        vm.pid = 4711;
        vm.generation = 3;
        vm.state = report::RunState::FinishMigrate;
        vm.vcpus = 4;
        vm.console = "pty:/dev/pts/3";
        vm.ram = {{"ram0", "shared-one", 1ull << 40, ~0ull, "/proc/4711/fd/9", 4096}};
        vm.suspend = true;
        vm.agent = "/run/agent.sock";
        vm.update = "3-1";
        return vm;
    }
    static PluginInfo example_plugin() {
        return {"transport",
                "a-transport",
                "1.2.3",
                {"main", "cpr"},
                "segue.transport.draft/1",
                {"segue.log.draft/1"},
                {"fds"},
                "/usr/lib/segue/a-transport.so"};
    }
    static report::Verdict example_verdict() {
        report::Verdict v;
        v.mode = "a-mode";
        v.binary = "/opt/segue-vmm";
        v.from_version = "1.2.3";
        v.to_version = "1.2.4";
        v.blockers = {Error(Code::Refused, "no").way_out("a way").with("plugin", "memory/x"),
                      Error(Code::Unsupported, "nor that").way_out("another")};
        v.warnings = {"mind the gap"};
        v.ram = {{"ram0", "shared-one", 1ull << 40, true}, {"ram1", "other", 4096, false}};
        v.phases = {report::Phase::Preflight, report::Phase::Retire};
        v.blackout.samples = 7;
        v.blackout.median = std::chrono::nanoseconds(1000);
        v.blackout.bound = std::chrono::nanoseconds(3000);
        v.budget = std::chrono::microseconds(50);
        return v;
    }
    static report::UpdateRecord example_record() {
        using std::chrono::nanoseconds;
        report::UpdateRecord r;
        r.id = "3-1";
        r.guest = "0b8f0a0e-5a0c-4a53-9d7b-1f0d6f4f3c11";
        r.mode = "a-mode";
        r.status = report::UpdateStatus::Failed;
        r.from_generation = 3;
        r.attempt = 1;
        r.from_version = "1.2.3";
        r.to_version = "1.2.4";
        r.from_pid = 4711;
        r.to_pid = 4712;
        r.began_at = 1700000000;
        r.ended_at = 1700000001;
        r.phases = {{report::Phase::Preflight, nanoseconds(10), nanoseconds(1000000)},
                    {report::Phase::Rollback, nanoseconds(1000000), nanoseconds(0)}};
        r.successor_phases = {{report::Phase::Prepare, nanoseconds(20), nanoseconds(30)}};
        r.warnings = {"mind the gap"};
        r.ram_bytes_copied = 1ull << 41;
        r.requests_in_flight = 5;
        r.state_bytes = 65536;
        r.blackout = nanoseconds(1940000);
        r.error = Error(Code::Deadline, "the standby said nothing:\n\"\x01\"")
                      .way_out("raise deadline.prepare")
                      .with("phase", "prepare");
        r.key = "a-key";
        r.request_digest = "0123456789abcdef";
        return r;
    }

    VmInfo info = example_vm();
    report::Verdict verdict = example_verdict();
    report::UpdateRecord record = example_record();
    std::optional<Error> refusal;
    std::atomic<std::uint64_t> balloon = 0;
    std::atomic<int> pauses = 0, cancels = 0, shutdowns = 0, wakeups = 0, quits = 0;
    std::atomic<int> switches = 0;
    std::string recovered_at;
    std::atomic<bool> cancellable = false, resolved_here = false, resolved_there = false;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    UpdateRequest asked_;
    bool slow_ = false;
};

} // namespace segue::control

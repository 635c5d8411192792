// SPDX-License-Identifier: Apache-2.0
// fake_ports_test.hpp - the engine's ports without a VMM behind them: every verb is written down in
// one log, and fails, waits or dies where a test says so.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/devices.hpp"
#include "core/ports/dirty_log.hpp"
#include "core/ports/frontend.hpp"
#include "core/ports/machine.hpp"
#include "core/ports/ram_converter.hpp"
#include "core/ports/vcpus.hpp"

namespace segue::update {

// What happened on both sides, in one order: "old machine save", "new vcpus run". Thread-safe.
class Script {
public:
    using Act = std::function<Status()>;

    Status at(const std::string& verb) {
        Act act;
        {
            const std::lock_guard lock(mutex_);
            log_.push_back(verb);
            if (const auto i = acts_.find(verb); i != acts_.end())
                act = i->second;
        }
        return act ? act() : Status();
    }
    void on(const std::string& verb, Act act) {
        const std::lock_guard lock(mutex_);
        acts_[verb] = std::move(act);
    }
    void fail(const std::string& verb) {
        on(verb, [verb] { return Error(Code::Refused, verb + " was told to fail"); });
    }
    std::vector<std::string> log() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }
    // How often; and where first, -1 for never.
    long count(const std::string& verb) const {
        const auto all = log();
        return std::count(all.begin(), all.end(), verb);
    }
    long first(const std::string& verb) const {
        const auto all = log();
        const auto i = std::find(all.begin(), all.end(), verb);
        return i == all.end() ? -1 : i - all.begin();
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        log_.clear();
        acts_.clear();
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> log_;
    std::map<std::string, Act> acts_;
};

// One side's port: "old" or "new".
class Scripted {
public:
    Scripted(Script& script, std::string side)
        : script_(script)
        , side_(std::move(side)) {}

protected:
    Status at(const std::string& verb) const { return script_.at(side_ + " " + verb); }

private:
    Script& script_;
    std::string side_;
};

// A machine of one register.
class FakeMachine final : public ports::Machine, Scripted {
public:
    using Scripted::Scripted;

    Status describe(state::Writer& out) override {
        out.begin("fake-machine", "", 1);
        out.put("vcpus", 2);
        out.end();
        return at("machine describe");
    }
    Status build(const state::Reader& in, const inventory::Inventory&) override {
        SEGUE_ASSIGN(const state::Section* s, in.take("fake-machine"));
        SEGUE_ASSIGN(const std::uint64_t vcpus, s->number("vcpus"));
        if (vcpus != 2)
            return Error(Code::Refused, "other vCPUs");
        return at("machine build");
    }
    Status check(const state::Reader& in, const inventory::Inventory&) override {
        return in.take("fake-machine") ? at("machine check") : Error(Code::Refused, "no machine");
    }
    Status rehearse() override { return at("machine rehearse"); }
    Status save(state::Writer& out) override {
        out.begin("fake-cpu", "", 1);
        out.put("register", reg);
        out.end();
        return at("machine save");
    }
    Status load(const state::Reader& in) override {
        SEGUE_ASSIGN(const state::Section* s, in.take("fake-cpu"));
        SEGUE_ASSIGN(reg, s->number("register"));
        return at("machine load");
    }
    Status compare() override { return at("machine compare"); }
    Status check_leaving() override { return at("machine check-leaving"); }
    void write_out() noexcept override { (void)at("machine write-out").ok(); }
    Status let_go() override { return at("machine let-go"); }
    Status take_hold() override { return at("machine take-hold"); }

    std::uint64_t reg = 0;
};

class FakeVcpus final : public ports::Vcpus, Scripted {
public:
    using Scripted::Scripted;
    Status stop(Deadline) override {
        SEGUE_TRY(at("vcpus stop"));
        running = false;
        return {};
    }
    void run() noexcept override {
        running = true;
        (void)at("vcpus run").ok();
    }
    void throttle(unsigned percent) noexcept override { throttled = percent; }
    bool running = false;
    unsigned throttled = 0;
};

class FakeDevices final : public ports::Devices, Scripted {
public:
    using Scripted::Scripted;
    Status settle(Deadline) override {
        working = false;
        return at("devices settle");
    }
    Status quiesce() override {
        working = false;
        return at("devices quiesce");
    }
    unsigned requests_waiting() const override { return working ? 0 : 3; }
    Status claim(bool* claimed) override {
        *claimed = true;
        return at("devices claim");
    }
    void activate() noexcept override {
        working = true;
        (void)at("devices activate").ok();
    }
    Status reclaim() override { return at("devices reclaim"); }
    bool working = false;
};

// Of blocks of so many pages; what a test wrote is found by the next look().
class FakeDirtyLog final : public ports::DirtyLog, Scripted {
public:
    using Scripted::Scripted;
    Status check() override { return at("dirty-log check"); }
    Status start() override {
        SEGUE_TRY(at("dirty-log start"));
        const std::lock_guard lock(mutex_);
        on = true;
        pending_.clear();
        written_.clear();
        for (std::uint32_t block = 0; block < pages.size(); ++block)
            for (std::uint64_t page = 0; page < pages[block]; ++page)
                written_.insert({block, page});
        return {};
    }
    Result<std::uint64_t> look() override {
        SEGUE_TRY(at("dirty-log look"));
        const std::lock_guard lock(mutex_);
        pending_.merge(written_);
        written_.clear();
        return pending_.size();
    }
    void guest_stopped() noexcept override { (void)at("dirty-log guest-stopped").ok(); }
    Status take(std::uint32_t block, std::uint64_t first, std::span<std::uint64_t> bits) override {
        SEGUE_TRY(at("dirty-log take"));
        const std::lock_guard lock(mutex_);
        std::fill(bits.begin(), bits.end(), 0);
        for (std::uint64_t i = 0; i < bits.size() * 64; ++i)
            bits[i / 64] |= std::uint64_t{pending_.erase({block, first + i})} << i % 64;
        return {};
    }
    void stop() noexcept override {
        if (on.exchange(false))
            (void)at("dirty-log stop").ok();
    }
    // The guest's write to `page`, logged. [any]
    void wrote(std::uint32_t block, std::uint64_t page) {
        const std::lock_guard lock(mutex_);
        if (on)
            written_.insert({block, page});
    }
    std::vector<std::uint64_t> pages;
    std::atomic<bool> on = false;

private:
    std::mutex mutex_;
    std::set<std::pair<std::uint32_t, std::uint64_t>> written_, pending_;
};

// Of so many pieces of one page each, into files of the test's.
class FakeRamConverter final : public ports::RamConverter, Scripted {
public:
    using Scripted::Scripted;
    Status check() override { return at("ram-converter check"); }
    Result<std::vector<int>> start() override {
        SEGUE_TRY(at("ram-converter start"));
        return fds;
    }
    Result<bool> make_ready(std::uint64_t) override {
        SEGUE_TRY(at("ram-converter ready"));
        return pieces != 0;
    }
    Result<ports::Converted> convert() override {
        SEGUE_TRY(at("ram-converter convert"));
        return ports::Converted{4096, 4096, --pieces * 4096ull};
    }
    void stop() noexcept override { (void)at("ram-converter stop").ok(); }
    std::vector<int> fds; // by block
    unsigned pieces = 0;
};

class FakeFrontend final : public ports::Frontend, Scripted {
public:
    using Scripted::Scripted;
    Status hold(Deadline) override {
        held = true;
        return at("frontend hold");
    }
    void resume() noexcept override {
        held = false;
        (void)at("frontend resume").ok();
    }
    void closing(bool on) override { is_closing = on; }
    bool held = false, is_closing = false;
};

} // namespace segue::update

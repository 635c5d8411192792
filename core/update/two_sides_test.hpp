// SPDX-License-Identifier: Apache-2.0
// two_sides_test.hpp - a guest of fakes, and updates of it: the outgoing side in the test's thread,
// the incoming side in another, real sockets and plugins in between.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include <segue/cpp/sys.hpp>

#include "core/report/recording.hpp"
#include "core/update/arrival.hpp"
#include "core/update/fake_userfault_test.hpp"
#include "core/update/incoming.hpp"
#include "core/update/outgoing.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue::update {

using Options = std::map<std::string, std::string>;

// Any mode's id is the fake mode; any channel is a unix socket in one folder; any block a memfd.
class FakePlugins final : public PluginSet {
public:
    FakePlugins(std::string dir, Options options);
    Result<plugin::Mode> mode(const std::string&, Side side,
                              const plugin::ModeServices& services) override;
    Result<plugin::Transport> transport(const std::string& channel) override;
    Result<plugin::Transport> transport_at(const std::string& address) override {
        return transport(address);
    }
    Result<plugin::Memory*> memory(const std::string&) override { return &*memory_; }
    Result<plugin::Keeper> keeper(const segue_host_process*) override {
        return Error(Code::NotFound, "there is no keeper");
    }

    Options options; // of the next mode
    std::atomic<int> made{0};

private:
    std::string dir_;
    test::OpenPlugins open_;
    std::optional<plugin::Memory> memory_;
};

// A candidate: its thread runs Incoming, a sleeping process lends it an identity that can be
// killed.
struct Candidate {
    Candidate(Script& script, const std::string& dir, const Options& options,
              const config::Identity& identity);
    ~Candidate();
    void start(UniqueFd stream);
    // As on another host: waits at `address` for who connects.
    void start_elsewhere(const std::string& address);
    void join();
    void take(std::unique_ptr<Origin> origin);
    // What SIGKILL does, as far as the other side can see.
    Error die();

    GuestFacts guest;
    FakeMachine machine;
    FakeVcpus vcpus;
    FakeDevices devices;
    RunControl run{report::RunState::Inmigrate};
    inventory::Inventory inventory;
    FakePlugins plugins;
    report::Recording report;
    FakeUserfault userfault;
    std::optional<Status> fetched;
    std::optional<Ownership> ownership;
    std::string record_path;
    ExecFds exec_fds;
    UniqueFd kill, wire; // copies: of the identity's pidfd, and of the stream's socket
    Status result;
    std::unique_ptr<Arrival> arrival; // of one elsewhere
    std::unique_ptr<Standby> standby;
    std::unique_ptr<Incoming> incoming;
    report::UpdateRecord record; // once it is over, without an error
    std::thread thread;
};

class FakeLauncher final : public ports::Launcher {
public:
    using Make = std::function<std::unique_ptr<Candidate>()>;
    FakeLauncher(Script& script, Make make)
        : script_(script)
        , make_(std::move(make)) {}
    Result<Child> start(const ports::SuccessorSpec&, int stream) override;
    std::string last_words(const Child&) override { return "last words"; }
    Result<ports::Program> open(const ports::SuccessorSpec&) override { return does_not(); }
    void make_ready(ports::Program&) noexcept override {}
    Result<Child> probe(const ports::SuccessorSpec&, const ports::Program&, int) override {
        return does_not();
    }
    Error exec(const ports::SuccessorSpec&, const ports::Program&, int,
               const std::vector<int>&) override {
        return does_not();
    }

    std::vector<std::unique_ptr<Candidate>> candidates;

private:
    static Error does_not() { return {Code::Unsupported, "this one does not execve"}; }

    Script& script_;
    Make make_;
};

// A Report that lets the test act when a phase of the outgoing side begins. [update]
class Barrier final : public report::Report {
public:
    void phase(report::Phase p, const report::UpdateRecord&) override {
        phases.push_back(p);
        if (at && p == *at)
            act();
    }
    Status switching_over(const report::UpdateRecord& record) override {
        steps.push_back(record.switch_over);
        return on_step ? on_step(record.switch_over) : Status();
    }
    void ended(const report::UpdateRecord& record) override { ends.push_back(record); }

    std::optional<report::Phase> at;
    std::function<void()> act;
    std::function<Status(report::SwitchOver)> on_step;
    std::vector<report::Phase> phases;
    std::vector<report::SwitchOver> steps;
    std::vector<report::UpdateRecord> ends;
};

class TwoSides : public testing::Test {
protected:
    TwoSides();
    ~TwoSides() override;

    Request request() const;
    // One update from beginning to end, without an Engine.
    report::UpdateRecord update();
    void pause_by_hand() { ASSERT_TRUE(run_.pause()); }
    Context context();
    Candidate& candidate() { return *launcher_.candidates.back(); }
    // Ends what the launcher started, and waits for it.
    void join();

    // The guest is here and as it was, nobody else ran it, and the error helps. `phase` "": any.
    void expect_unharmed(const report::UpdateRecord& record, const std::string& phase,
                         report::RunState state = report::RunState::Running);
    // The guest is with the candidate, and only there.
    void expect_moved(const report::UpdateRecord& record,
                      report::RunState state = report::RunState::Running);

    test::TempDir dir_;
    Script script_;
    GuestFacts guest_;
    FakeMachine machine_{script_, "old"};
    FakeVcpus vcpus_{script_, "old"};
    FakeDevices devices_{script_, "old"};
    FakeDirtyLog dirty_log_{script_, "old"};
    FakeRamConverter ram_converter_{script_, "old"};
    FakeFrontend frontend_{script_, "old"};
    RunControl run_{report::RunState::Inmigrate};
    inventory::Inventory inventory_;
    FakePlugins plugins_;
    Options new_options_;
    config::Identity new_identity_;
    FakeLauncher launcher_;
    std::optional<Ownership> ownership_;
    Barrier report_;
    UniqueFd cancel_, gate_;
    std::vector<std::string> hung_;
    Request request_;
    Outgoing* outgoing_ = nullptr; // while there is an update
    Code code_ = Code::Ok;         // of the last update
};

std::size_t open_descriptors();
int threads_named(const std::string& name);

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
#include "core/update/two_sides_test.hpp"

#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/inventory/ram.hpp"

namespace segue::update {

using report::RunState;

namespace {

// Lends a thread an identity that can be killed.
Result<Child> sleeper() {
    SpawnSpec s;
    s.argv = {"/bin/sleep", "1000"};
    return spawn(s);
}

} // namespace

FakePlugins::FakePlugins(std::string dir, Options opts)
    : options(std::move(opts))
    , dir_(std::move(dir))
    , open_({plugin::builtin_dir().value(), SEGUE_UPDATE_TEST_PLUGINS}) {
    auto ram = open_.make<plugin::Memory>("memory/memfd");
    EXPECT_TRUE(ram) << ram.error().what();
    memory_.emplace(std::move(*ram));
    EXPECT_TRUE(open_.load("mode/fake"));
}

Result<plugin::Mode> FakePlugins::mode(const std::string&, Side side,
                                       const plugin::ModeServices& services) {
    ++made;
    Options its = options;
    const auto real = its.extract("mode"); // a mode that is shipped
    SEGUE_ASSIGN(const plugin::LoadedPlugin* p, open_.load(real ? real.mapped() : "mode/fake"));
    SEGUE_ASSIGN(auto config, plugin::PluginConfig::defaults(p->manifest()));
    for (const auto& [key, value] : its)
        SEGUE_TRY(config.set(key, value));
    return plugin::Mode::create(
        *p, config, side == Side::Outgoing ? SEGUE_SIDE_OUTGOING : SEGUE_SIDE_INCOMING, services);
}

Result<plugin::Transport> FakePlugins::transport(const std::string& channel) {
    return open_.make<plugin::Transport>("transport/unix",
                                         {{"path", dir_ + "/" + channel + ".sock"}});
}

Candidate::Candidate(Script& script, const std::string& dir, const Options& options,
                     const config::Identity& id)
    : machine(script, "new")
    , vcpus(script, "new")
    , devices(script, "new")
    , plugins(dir, options)
    , userfault(script, "new", inventory) {
    guest.identity = id;
    record_path = dir + "/owner-of-its-own";
}

Candidate::~Candidate() {
    join();
}

void Candidate::take(std::unique_ptr<Origin> origin) {
    standby.reset(
        new Standby{guest, machine, run, inventory, plugins, report,
                    [this]() -> Result<ports::Devices*> {
                        run.attach(vcpus, devices);
                        return &devices;
                    },
                    [] {}, // no holder
                    ownership, exec_fds, userfault, [this](const Status& how) { fetched = how; },
                    kill.get()}); // a thread cannot be killed: it is told when it would be dead
    incoming = std::make_unique<Incoming>(*standby, std::move(origin));
    result = incoming->run();
    incoming->await_fetched();
    record = incoming->record();
    if (!result) // a process would end now
        (void)sys::pidfd_signal(kill.get(), SIGKILL).ok();
}

void Candidate::start(UniqueFd stream) {
    wire = sys::dup(stream.get()).value();
    thread = std::thread([this, stream = std::move(stream)]() mutable {
        take(from_peer(Stream(std::move(stream))));
    });
}

void Candidate::start_elsewhere(const std::string& address) {
    kill = std::move(sleeper().value().pidfd);
    auto transport = plugins.transport_at(address);
    arrival = std::make_unique<Arrival>(transport->listen().value());
    thread = std::thread([this] {
        if (Status s = arrival->begin(kill.get()); !s) {
            result = std::move(s);
            return;
        }
        take(from_elsewhere(*arrival, record_path, [this] { return machine.take_hold(); }));
        if (!result) // a process would end now
            arrival.reset();
    });
}

void Candidate::join() {
    if (thread.joinable())
        thread.join();
    if (!kill)
        return;
    (void)sys::pidfd_signal(kill.get(), SIGKILL).ok();
    (void)wait_exit({-1, std::move(kill)}, Deadline::in(std::chrono::seconds(5))).ok();
    wire.reset();
}

Error Candidate::die() {
    (void)sys::pidfd_signal(kill.get(), SIGKILL).ok();
    (void)Waiter{}.until(kill.get(), POLLIN).ok();
    ::shutdown(wire.get(), SHUT_RDWR);
    return Error(Code::Internal, "dead");
}

Result<Child> FakeLauncher::start(const ports::SuccessorSpec&, int stream) {
    SEGUE_TRY(script_.at("old launcher start"));
    SEGUE_ASSIGN(UniqueFd theirs, sys::dup(stream));
    SEGUE_ASSIGN(Child child, sleeper());
    auto candidate = make_();
    SEGUE_ASSIGN(candidate->kill, sys::dup(child.pidfd.get()));
    candidate->start(std::move(theirs));
    candidates.push_back(std::move(candidate));
    return child;
}

TwoSides::TwoSides()
    : plugins_(dir_.path().string(), {})
    , launcher_(script_, [this] {
        return std::make_unique<Candidate>(script_, dir_.path().string(), new_options_,
                                           new_identity_);
    }) {
    guest_.name = "fake";
    guest_.uuid[0] = 7;
    guest_.identity = new_identity_ = {{"guest.vcpus", "2"}, {"memory[0].size", "\"1MiB\""}};
    run_.attach(vcpus_, devices_);
    auto memory = plugins_.memory("ram0");
    auto block = inventory::make_block(**memory, "ram0", "memfd", 1u << 20);
    EXPECT_TRUE(block && inventory_.add(std::move(*block)));
    EXPECT_TRUE(inventory_.add(inventory::Item{"control", sys::event().value()}));
    EXPECT_TRUE(inventory_.add(inventory::Item{"console", sys::memfd("console", 0).value()}));
    auto made = Ownership::create(dir_ / "owner", guest_.uuid);
    EXPECT_TRUE(made);
    ownership_.emplace(std::move(*made));
    cancel_ = sys::event().value();
    gate_ = sys::event().value();
    machine_.reg = 0x5e90e;
    run_.start();
    request_.mode = "fake";
    request_.successor = {"/bin/new", "/etc/guest.toml"};
    // Far beyond what a loaded machine takes; tests of deadlines set their own.
    request_.deadlines.prepare = request_.deadlines.copy = request_.deadlines.drain =
        request_.deadlines.handover = std::chrono::seconds(20);
    script_.clear();
}

TwoSides::~TwoSides() {
    sys::signal_event(gate_.get());
    join();
}

Context TwoSides::context() {
    return {guest_,
            machine_,
            devices_,
            dirty_log_,
            ram_converter_,
            frontend_,
            launcher_,
            run_,
            inventory_,
            plugins_,
            *ownership_,
            report_,
            dir_ / "standby.sock"};
}

report::UpdateRecord TwoSides::update() {
    report::UpdateRecord record;
    record.attempt = ownership_->next_attempt().value();
    record.mode = request_.mode;
    record.from_generation = guest_.generation;
    EXPECT_TRUE(run_.begin());
    Context ctx = context();
    Progress progress(report_, record);
    {
        Outgoing out(ctx, request_, record.attempt, progress, cancel_.get(),
                     [this](const std::string& mode, Code) { hung_.push_back(mode); });
        outgoing_ = &out;
        code_ = out.run();
        outgoing_ = nullptr;
    }
    if (code_ != Code::Ok)
        run_.finish();
    join();
    return progress.snapshot();
}

void TwoSides::join() {
    for (auto& c : launcher_.candidates)
        c->join();
}

void TwoSides::expect_unharmed(const report::UpdateRecord& r, const std::string& phase,
                               RunState state) {
    ASSERT_TRUE(r.error);
    SCOPED_TRACE(r.error->what());
    if (!phase.empty()) {
        EXPECT_EQ(r.error->detail("phase"), phase);
    }
    EXPECT_FALSE(r.error->detail("phase").empty());
    EXPECT_FALSE(r.error->way_out().empty());
    EXPECT_TRUE(report::is_final(r.status));
    EXPECT_NE(r.status, report::UpdateStatus::Completed);
    EXPECT_EQ(run_.state(), state);
    EXPECT_EQ(vcpus_.running, state == RunState::Running);
    EXPECT_TRUE(devices_.working || state != RunState::Running) << "settled for ever";
    EXPECT_EQ(ownership_->word().generation, 1u);
    EXPECT_EQ(ownership_->word().state, Owner::Owned);
    EXPECT_EQ(script_.count("new vcpus run"), 0);
    EXPECT_EQ(script_.count("new devices activate"), 0);
    EXPECT_FALSE(frontend_.held);
    EXPECT_FALSE(frontend_.is_closing);
    for (const auto& c : launcher_.candidates)
        EXPECT_FALSE(c->result) << "the candidate believes that it has won";
}

void TwoSides::expect_moved(const report::UpdateRecord& r, RunState state) {
    EXPECT_FALSE(r.error) << r.error->what();
    EXPECT_EQ(code_, Code::Ok);
    EXPECT_EQ(r.status, report::UpdateStatus::Completed);
    EXPECT_EQ(run_.state(), RunState::Postmigrate);
    EXPECT_FALSE(vcpus_.running);
    ASSERT_FALSE(launcher_.candidates.empty());
    Candidate& c = candidate();
    ASSERT_TRUE(c.result) << c.result.error().what();
    EXPECT_EQ(c.run.state(), state);
    EXPECT_EQ(c.vcpus.running, state == RunState::Running);
    EXPECT_EQ(c.machine.reg, machine_.reg);
}

int threads_named(const std::string& name) {
    int n = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string its;
        std::getline(std::ifstream(task.path() / "comm"), its);
        n += its == name ? 1 : 0;
    }
    return n;
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

} // namespace segue::update

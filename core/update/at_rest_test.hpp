// SPDX-License-Identifier: Apache-2.0
// at_rest_test.hpp - updates without a peer: the state rests on a channel until this process's next
// image, or a later process, takes it. An "execve" is a fork here: the child is the new image, with
// the descriptors at their numbers.
#pragma once

#include <sys/socket.h>
#include <sys/wait.h>

#include <functional>

#include <gtest/gtest.h>
#include <segue/cpp/fd_passing.hpp>
#include <segue/cpp/sys.hpp>

#include "core/inventory/ram.hpp"
#include "core/report/recording.hpp"
#include "core/update/fake_userfault_test.hpp"
#include "core/update/handoff.hpp"
#include "core/update/incoming.hpp"
#include "core/update/outgoing.hpp"
#include "tests/support/leak.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue::update {

using report::RunState;

// What mode "rest" does.
struct RestMode {
    RestMode(bool for_later, bool copies_ram = false)
        : later(for_later)
        , copy(copies_ram) {}
    bool later, copy;
    const char* memory() const { return later && !copy ? "file" : "memfd"; }
};

class RestPlugins final : public PluginSet {
public:
    RestPlugins(std::string dir, RestMode mode)
        : mode_(mode)
        , dir_(std::move(dir))
        , open_({plugin::builtin_dir().value(), SEGUE_UPDATE_TEST_PLUGINS}) {}

    Result<plugin::Mode> mode(const std::string&, Side side,
                              const plugin::ModeServices& services) override {
        SEGUE_ASSIGN(const plugin::LoadedPlugin* p, open_.load("mode/rest"));
        SEGUE_ASSIGN(auto config, plugin::PluginConfig::defaults(p->manifest()));
        SEGUE_TRY(config.set("later", mode_.later ? "true" : "false"));
        SEGUE_TRY(config.set("copy", mode_.copy ? "true" : "false"));
        return plugin::Mode::create(
            *p, config, side == Side::Outgoing ? SEGUE_SIDE_OUTGOING : SEGUE_SIDE_INCOMING,
            services);
    }
    Result<plugin::Transport> transport(const std::string& channel) override {
        if (streaming)
            return open_.make<plugin::Transport>("transport/unix",
                                                 {{"path", dir_ + "/" + channel}});
        if (!out.empty())
            return open_.make<plugin::Transport>("transport/exec", {{"out", out}, {"in", in}});
        if (damage.empty())
            return open_.make<plugin::Transport>("transport/file",
                                                 {{"path", dir_ + "/" + channel}});
        return open_.make<plugin::Transport>("transport/shelf",
                                             {{"path", dir_ + "/" + channel}, {"damage", damage}});
    }
    Result<plugin::Memory*> memory(const std::string&) override {
        if (!memory_) {
            const std::string id = mode_.memory();
            auto made = id == "file"
                            ? open_.make<plugin::Memory>("memory/file", {{"path", dir_ + "/ram"}})
                            : open_.make<plugin::Memory>("memory/" + id);
            if (!made)
                return std::move(made).error();
            memory_.emplace(std::move(*made));
        }
        return &*memory_;
    }
    Result<plugin::Keeper> keeper(const segue_host_process* process) override {
        SEGUE_ASSIGN(const plugin::LoadedPlugin* p, open_.load("keeper/pocket"));
        SEGUE_ASSIGN(const auto config, plugin::PluginConfig::defaults(p->manifest()));
        return plugin::Keeper::create(*p, config, process);
    }

    std::string damage;  // done to the state, which is a file of the shelf's then
    std::string out, in; // commands that keep it instead
    bool streaming = false;

private:
    RestMode mode_;
    std::string dir_;
    test::OpenPlugins open_;
    std::optional<plugin::Memory> memory_;
};

// One image of a VMM: everything but the guest's memory is its own.
struct Image {
    Image(const std::string& side, std::string in_dir, RestMode mode)
        : dir(std::move(in_dir))
        , machine(script, side)
        , vcpus(script, side)
        , devices(script, side)
        , dirty_log(script, side)
        , ram_converter(script, side)
        , frontend(script, side)
        , userfault(script, side, inventory)
        , plugins(dir, mode) {
        run.attach(vcpus, devices);
        guest.name = "fake";
        guest.identity = {{"guest.vcpus", "2"}};
    }

    Standby standby() {
        return {guest,
                machine,
                run,
                inventory,
                plugins,
                report,
                [this]() -> Result<ports::Devices*> { return &devices; },
                [this] { holds = true; },
                ownership,
                exec_fds,
                userfault,
                [](const Status&) {}};
    }
    Status answer(int stream) {
        Standby all = standby();
        return Incoming(all, from_peer(Stream(UniqueFd(stream)))).check();
    }
    Status take(std::unique_ptr<Origin> origin) {
        Standby all = standby();
        Incoming incoming(all, std::move(origin));
        Status s = incoming.run();
        record = incoming.record();
        return s;
    }

    std::string dir;
    Script script;
    GuestFacts guest;
    FakeMachine machine;
    FakeVcpus vcpus;
    FakeDevices devices;
    FakeDirtyLog dirty_log;
    FakeRamConverter ram_converter;
    FakeFrontend frontend;
    RunControl run{RunState::Inmigrate};
    inventory::Inventory inventory;
    FakeUserfault userfault;
    RestPlugins plugins;
    report::Recording report;
    std::optional<Ownership> ownership;
    ExecFds exec_fds;
    bool holds = false; // answers 503
    report::UpdateRecord record;
};

// The one child that an update starts, the probe's or the holder, is forked before the update has
// threads: whoever forks beside others may copy a lock that one of them holds. It waits for its
// stream.
class RestLauncher final : public ports::Launcher {
public:
    // `role`: in a process of its own, with the stream; gives its exit code.
    void stand_by(const std::function<int(UniqueFd)>& role) {
        int pair[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        UniqueFd mine(pair[0]), theirs(pair[1]);
        waiting_ = ::fork();
        if (waiting_ == 0) {
            ::setsid();
            mine.reset();
            std::byte any;
            const segue_iov iov = {&any, 1};
            std::vector<UniqueFd> stream;
            (void)Waiter{}.until(theirs.get(), POLLIN).ok();
            (void)sys::recv_fds(theirs.get(), {&iov, 1}, stream).ok();
            theirs.reset();
            ::_exit(stream.empty() ? 0 : role(std::move(stream[0])));
        }
        call_ = std::move(mine);
    }
    // Ends the child where nobody asked it.
    void dismiss() {
        call_.reset();
        if (!std::exchange(asked_, false) && waiting_ > 0)
            ::waitpid(waiting_, nullptr, 0);
        waiting_ = -1;
    }
    Result<Child> start(const ports::SuccessorSpec& spec, int stream) override {
        if (!spec.at_rest)
            return Error(Code::Internal, "no peer here");
        return call(stream);
    }
    std::string last_words(const Child&) override { return {}; }
    Result<ports::Program> open(const ports::SuccessorSpec&) override { return ports::Program(); }
    void make_ready(ports::Program&) noexcept override {}
    Result<Child> probe(const ports::SuccessorSpec&, const ports::Program&, int stream) override {
        return call(stream);
    }
    Error exec(const ports::SuccessorSpec&, const ports::Program&, int handoff,
               const std::vector<int>&) override {
        return on_exec(handoff);
    }

    std::function<int(int)> on_probe; // in a process of its own; gives its exit code
    std::function<int(UniqueFd)> holder = [](UniqueFd) { return 1; };
    std::function<Error(int)> on_exec = [](int) {
        return Error::from_errno(ENOEXEC, "execve /bin/new");
    };

private:
    Result<Child> call(int stream) {
        std::byte any{};
        const segue_iov iov = {&any, 1};
        SEGUE_TRY(sys::send_fds(call_.get(), {&iov, 1}, {&stream, 1}));
        call_.reset();
        asked_ = true;
        Child child;
        child.pid = waiting_;
        SEGUE_ASSIGN(child.pidfd, sys::pidfd(waiting_));
        return child;
    }

    pid_t waiting_ = -1;
    UniqueFd call_;
    bool asked_ = false;
};

class AtRest : public testing::Test {
protected:
    explicit AtRest(RestMode mode, std::uint64_t ram_bytes = 1u << 20)
        : mode_(mode)
        , old_("old", dir_.path().string(), mode) {
        old_.guest.uuid[0] = 9;
        auto memory = old_.plugins.memory("ram0");
        EXPECT_TRUE(memory);
        auto block = inventory::make_block(**memory, "ram0", mode.memory(), ram_bytes);
        EXPECT_TRUE(block) << block.error().what();
        block->base()[4096] = std::byte{0x5a};
        EXPECT_TRUE(old_.inventory.add(std::move(*block)));
        EXPECT_TRUE(old_.inventory.add(inventory::Item{"control", sys::event().value()}));
        old_.ownership.emplace(Ownership::create(dir_ / "owner", old_.guest.uuid).value());
        old_.machine.reg = 0x600d;
        old_.run.start();
        cancel_ = sys::event().value();
        launcher_.on_probe = [this](int stream) { return asked(stream); };
    }

    // What a new binary answers that is like this one.
    int asked(int stream, void (*change)(Image&) = nullptr) {
        Image image("probe", dir_.path().string(), false);
        if (change != nullptr)
            change(image);
        return image.answer(stream) ? 0 : 1;
    }

    report::UpdateRecord update() {
        if (!mode_.later)
            launcher_.stand_by([this](UniqueFd s) { return launcher_.on_probe(s.release()); });
        else if (!save_)
            launcher_.stand_by(launcher_.holder);
        report::UpdateRecord record;
        record.attempt = old_.ownership->next_attempt().value();
        record.mode = "rest";
        record.from_generation = 1;
        EXPECT_TRUE(old_.run.begin());
        Context ctx{old_.guest,           old_.machine,  old_.devices,    old_.dirty_log,
                    old_.ram_converter,   old_.frontend, launcher_,       old_.run,
                    old_.inventory,       old_.plugins,  *old_.ownership, old_.report,
                    dir_ / "standby.sock"};
        Request request{"rest", {"/bin/new", "/etc/guest.toml"}, {}, "", save_};
        // Far beyond what a loaded machine takes: no test of these waits for a deadline.
        request.deadlines.prepare = request.deadlines.drain = request.deadlines.pause =
            request.deadlines.handover = std::chrono::seconds(60);
        Progress progress(old_.report, record);
        Outgoing out(ctx, request, record.attempt, progress, cancel_.get(),
                     [](const std::string&, Code) {});
        code_ = out.run();
        launcher_.dismiss();
        if (code_ != Code::Ok)
            old_.run.finish();
        return progress.snapshot();
    }

    void expect_unharmed(const report::UpdateRecord& record) {
        EXPECT_EQ(record.status, report::UpdateStatus::Failed);
        ASSERT_TRUE(record.error);
        EXPECT_FALSE(record.error->way_out().empty()) << record.error->what();
        EXPECT_EQ(old_.run.state(), RunState::Running);
        EXPECT_TRUE(old_.vcpus.running && old_.devices.working);
        EXPECT_EQ(old_.ownership->word().state, Owner::Owned);
        EXPECT_EQ(old_.ownership->word().generation, 1u);
        EXPECT_NE(::access((dir_ / "main").c_str(), F_OK), 0) << "a state was left behind";
    }

    RestMode mode_;
    test::TempDir dir_;
    Image old_;
    RestLauncher launcher_;
    UniqueFd cancel_;
    Code code_ = Code::Ok;
    bool save_ = false;
    // Of other tests in this process, if any: they are not ours to reap.
    const std::vector<pid_t> others_ = test::children_of(::getpid());
};

class UpdateSelf : public AtRest {
protected:
    UpdateSelf()
        : AtRest(false) {}
};

} // namespace segue::update

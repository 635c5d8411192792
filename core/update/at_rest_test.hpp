// SPDX-License-Identifier: Apache-2.0
// at_rest_test.hpp - updates without a peer: the state rests on a channel until this process's next
// image, or a later process, takes it. An "execve" is a fork here: the child is the new image, with
// the descriptors at their numbers.
#pragma once

#include <sys/wait.h>

#include <functional>

#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

#include "core/inventory/ram.hpp"
#include "core/report/recording.hpp"
#include "core/update/fake_ports_test.hpp"
#include "core/update/handoff.hpp"
#include "core/update/incoming.hpp"
#include "core/update/outgoing.hpp"
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
        , frontend(script, side)
        , plugins(dir, mode) {
        run.attach(vcpus, devices);
        guest.name = "fake";
        guest.identity = {{"guest.vcpus", "2"}};
    }

    Status take(std::unique_ptr<Origin> origin) {
        Standby standby{guest,
                        machine,
                        run,
                        inventory,
                        plugins,
                        report,
                        [this]() -> Result<ports::Devices*> { return &devices; },
                        [this] { holds = true; },
                        ownership,
                        exec_fds};
        Incoming incoming(standby, std::move(origin));
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
    FakeFrontend frontend;
    RunControl run{RunState::Inmigrate};
    inventory::Inventory inventory;
    RestPlugins plugins;
    report::Recording report;
    std::optional<Ownership> ownership;
    ExecFds exec_fds;
    bool holds = false; // answers 503
    report::UpdateRecord record;
};

class RestLauncher final : public ports::Launcher {
public:
    Result<Child> start(const ports::SuccessorSpec& spec, int stream) override {
        if (!spec.at_rest)
            return Error(Code::Internal, "no peer here");
        Child child;
        child.pid = ::fork();
        if (child.pid == 0)
            ::_exit(holder(UniqueFd(::dup(stream))));
        SEGUE_ASSIGN(child.pidfd, sys::pidfd(child.pid));
        return child;
    }
    std::string last_words(const Child&) override { return {}; }
    Status probe(const ports::SuccessorSpec&, const Waiter&) override { return probe_answer; }
    Error exec(const ports::SuccessorSpec&, int handoff, const std::vector<int>&) override {
        return on_exec(handoff);
    }

    Status probe_answer;
    std::function<int(UniqueFd)> holder = [](UniqueFd) { return 1; };
    std::function<Error(int)> on_exec = [](int) {
        return Error::from_errno(ENOEXEC, "execve /bin/new");
    };
};

class AtRest : public testing::Test {
protected:
    explicit AtRest(RestMode mode, std::uint64_t ram_bytes = 1u << 20)
        : old_("old", dir_.path().string(), mode) {
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
    }

    report::UpdateRecord update() {
        report::UpdateRecord record;
        record.attempt = old_.ownership->next_attempt().value();
        record.mode = "rest";
        record.from_generation = 1;
        EXPECT_TRUE(old_.run.begin());
        Context ctx{old_.guest,      old_.machine, old_.devices,         old_.frontend,
                    launcher_,       old_.run,     old_.inventory,       old_.plugins,
                    *old_.ownership, old_.report,  dir_ / "standby.sock"};
        Request request{"rest", {"/bin/new", "/etc/guest.toml"}, {}, save_};
        Progress progress(old_.report, record);
        Outgoing out(ctx, request, record.attempt, progress, cancel_.get(),
                     [](const std::string&, Code) {});
        code_ = out.run();
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

    test::TempDir dir_;
    Image old_;
    RestLauncher launcher_;
    UniqueFd cancel_;
    Code code_ = Code::Ok;
    bool save_ = false;
};

} // namespace segue::update

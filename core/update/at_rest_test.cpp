// SPDX-License-Identifier: Apache-2.0
// Updates without a peer: the state rests on a channel until this process's next image, or a later
// process, takes it. An "execve" is a fork here: the child is the new image, with the descriptors
// at their numbers.
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
namespace {

using report::RunState;

class RestPlugins final : public PluginSet {
public:
    RestPlugins(std::string dir, bool later)
        : later_(later)
        , dir_(std::move(dir))
        , open_({plugin::builtin_dir().value(), SEGUE_UPDATE_TEST_PLUGINS}) {}

    Result<plugin::Mode> mode(const std::string&, Side side,
                              const plugin::ModeServices& services) override {
        SEGUE_ASSIGN(const plugin::LoadedPlugin* p, open_.load("mode/rest"));
        SEGUE_ASSIGN(auto config, plugin::PluginConfig::defaults(p->manifest()));
        SEGUE_TRY(config.set("later", later_ ? "true" : "false"));
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
            auto made = later_
                            ? open_.make<plugin::Memory>("memory/file", {{"path", dir_ + "/ram"}})
                            : open_.make<plugin::Memory>("memory/memfd");
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
    bool later_;
    std::string dir_;
    test::OpenPlugins open_;
    std::optional<plugin::Memory> memory_;
};

// One image of a VMM: everything but the guest's memory is its own.
struct Image {
    Image(const std::string& side, std::string in_dir, bool later)
        : dir(std::move(in_dir))
        , machine(script, side)
        , vcpus(script, side)
        , devices(script, side)
        , frontend(script, side)
        , plugins(dir, later) {
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
                        ownership,
                        exec_fds};
        return Incoming(standby, std::move(origin)).run();
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
};

class ExecLauncher final : public ports::Launcher {
public:
    Result<Child> start(const ports::SuccessorSpec&, int) override {
        return Error(Code::Internal, "no peer here");
    }
    std::string last_words(const Child&) override { return {}; }
    Status probe(const ports::SuccessorSpec&, const Waiter&) override { return probe_answer; }
    Error exec(const ports::SuccessorSpec&, int handoff, const std::vector<int>&) override {
        return on_exec(handoff);
    }

    Status probe_answer;
    std::function<Error(int)> on_exec = [](int) {
        return Error::from_errno(ENOEXEC, "execve /bin/new");
    };
};

class AtRest : public testing::Test {
protected:
    explicit AtRest(bool later)
        : old_("old", dir_.path().string(), later) {
        old_.guest.uuid[0] = 9;
        auto memory = old_.plugins.memory("ram0");
        EXPECT_TRUE(memory);
        auto block = inventory::make_block(**memory, "ram0", later ? "file" : "memfd", 1u << 20);
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
        Request request{"rest", {"/bin/new", "/etc/guest.toml"}, {}};
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
    ExecLauncher launcher_;
    UniqueFd cancel_;
    Code code_ = Code::Ok;
};

class UpdateSelf : public AtRest {
protected:
    UpdateSelf()
        : AtRest(false) {}
};
class UpdateLater : public AtRest {
protected:
    UpdateLater()
        : AtRest(true) {}
    Status start(Image& image) { return image.take(from_rest(dir_ / "owner")); }
};

// What the new image finds; its exit code says what is wrong, 0: nothing.
int new_image(const std::string& dir, int handoff) {
    Image image("new", dir, false);
    auto taken = take_handoff(UniqueFd(handoff), image.exec_fds);
    if (!taken)
        return 2;
    if (!image.take(from_self(std::move(taken->record))))
        return 3;
    if (image.machine.reg != 0x600d || !image.vcpus.running ||
        image.run.state() != RunState::Running)
        return 4;
    if (image.inventory.find("control") < 0 || image.inventory.blocks().size() != 1)
        return 5;
    if (image.inventory.blocks()[0].base()[4096] != std::byte{0x5a})
        return 6;
    return image.ownership->word() == Word{2, 1, Owner::Owned} ? 0 : 7;
}

TEST_F(UpdateSelf, TheNextImageHasTheGuestItsDescriptorsAndItsMemory) {
    int status = -1;
    launcher_.on_exec = [&](int handoff) {
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(new_image(dir_.path().string(), handoff));
        ::waitpid(child, &status, 0);
        return Error(Code::Paused, "this image is gone");
    };
    update();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(old_.ownership->word(), (Word{2, 1, Owner::Owned}));
    EXPECT_EQ(old_.script.count("old vcpus run"), 1) << "run by both images";
}

TEST_F(UpdateSelf, AnExecveThatReturnsIsTakenBack) {
    const auto record = update();
    expect_unharmed(record);
    EXPECT_EQ(record.error->sys_errno(), ENOEXEC);
    EXPECT_EQ(record.error->detail("phase"), "commit");
    // And the next attempt has a number of its own.
    EXPECT_EQ(update().attempt, 2u);
}

TEST_F(UpdateSelf, ACommandThatDoesNotStandTheProbeIsRefusedBeforeThePause) {
    launcher_.probe_answer = Error(Code::Refused, "it clears its environment").way_out("use env -");
    expect_unharmed(update());
    EXPECT_EQ(old_.script.count("old vcpus stop"), 0);
}

TEST_F(UpdateSelf, AChannelThatKeepsNothingIsRefusedBeforeThePause) {
    old_.plugins.streaming = true;
    const auto record = update();
    expect_unharmed(record);
    EXPECT_NE(record.error->what().find("persistent"), std::string::npos) << record.error->what();
    EXPECT_EQ(old_.script.count("old vcpus stop"), 0);
}

TEST_F(UpdateSelf, WhatDoesNotReadBackIsNotOffered) {
    for (const char* damage : {"tail", "middle"}) {
        old_.plugins.damage = damage;
        const auto record = update();
        expect_unharmed(record);
        EXPECT_EQ(record.error->detail("phase"), "handover") << damage;
        EXPECT_EQ(record.error->detail("channel"), "main") << damage;
    }
}

TEST_F(UpdateSelf, AHandoffThatIsNoneIsRefused) {
    ExecFds fds;
    EXPECT_EQ(take_handoff(sys::memfd("x", MFD_ALLOW_SEALING).value(), fds).code(), Code::Corrupt);
    auto sealed = make_handoff(-1, fds);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(take_handoff(std::move(*sealed), fds).code(), Code::Corrupt) << "no record";
}

TEST_F(UpdateLater, AStartHasTheGuestAndASecondOneIsRefused) {
    const auto record = update();
    EXPECT_EQ(code_, Code::Ok) << (record.error ? record.error->what() : "");
    EXPECT_EQ(old_.run.state(), RunState::Postmigrate);
    EXPECT_EQ(old_.ownership->word(), (Word{1, 1, Owner::Offered}));

    Image fresh("new", dir_.path().string(), true);
    const Status started = start(fresh);
    ASSERT_TRUE(started) << started.error().what();
    EXPECT_EQ(fresh.machine.reg, 0x600du);
    EXPECT_EQ(fresh.run.state(), RunState::Running);
    EXPECT_EQ(fresh.inventory.blocks()[0].base()[4096], std::byte{0x5a});
    EXPECT_EQ(fresh.ownership->word(), (Word{2, 1, Owner::Owned}));

    Image again("again", dir_.path().string(), true);
    const Status second = start(again);
    ASSERT_EQ(second.code(), Code::Refused);
    EXPECT_FALSE(second.error().way_out().empty());
    EXPECT_FALSE(again.vcpus.running);
}

TEST_F(UpdateLater, AfterABootTheStatesOwnWordDecides) {
    update();
    ::unlink((dir_ / "owner").c_str()); // tmpfs does not outlive a boot
    Image fresh("new", dir_.path().string(), true);
    ASSERT_TRUE(start(fresh));
    EXPECT_EQ(fresh.ownership->word(), (Word{2, 1, Owner::Owned}));
    ::unlink((dir_ / "owner").c_str());
    Image again("again", dir_.path().string(), true);
    EXPECT_EQ(start(again).code(), Code::Refused);
    EXPECT_FALSE(again.vcpus.running);
}

TEST_F(UpdateLater, AStartThatFailsBeforeItOwnsTheGuestLeavesTheStateUsable) {
    update();
    Image broken("broken", dir_.path().string(), true);
    broken.script.fail("broken machine load");
    EXPECT_FALSE(start(broken));
    Image fresh("new", dir_.path().string(), true);
    EXPECT_TRUE(start(fresh));
}

TEST_F(UpdateLater, WhatDoesNotReadBackIsNotOffered) {
    old_.plugins.damage = "middle";
    expect_unharmed(update());
}

class UpdateByCommand : public UpdateLater {
protected:
    void keep(RestPlugins& plugins, const std::string& out, const std::string& in) const {
        plugins.out = "cd " + dir_.path().string() + "; " + out;
        plugins.in = "cd " + dir_.path().string() + "; " + in;
    }
};

TEST_F(UpdateByCommand, ACommandKeepsTheStateAndTheRecordGuardsIt) {
    keep(old_.plugins, "gzip > kept", "gzip -dc kept");
    const auto record = update();
    EXPECT_EQ(code_, Code::Ok) << (record.error ? record.error->what() : "");
    Image fresh("new", dir_.path().string(), true);
    keep(fresh.plugins, "false", "gzip -dc kept");
    const Status started = start(fresh);
    ASSERT_TRUE(started) << started.error().what();
    EXPECT_EQ(fresh.machine.reg, 0x600du);
    Image again("again", dir_.path().string(), true);
    keep(again.plugins, "false", "gzip -dc kept");
    EXPECT_EQ(start(again).code(), Code::Refused);
    EXPECT_FALSE(again.vcpus.running);
}

TEST_F(UpdateByCommand, OneThatFailsOrLosesSomethingIsAFailedUpdate) {
    struct {
        const char *out, *in, *says;
    } const bad[] = {
        {"head -c 100 > kept", "cat kept", "bytes unread"},
        {"cat | head -c 100 > kept", "cat kept", "read channel main back"},
        {"cat > kept; echo no tape >&2; exit 3", "cat kept", "exited with 3: no tape"},
        {"cat > kept; kill -9 $$", "cat kept", "SIGKILL"},
        {"cat > kept", "echo garbage garbage garbage garbage", "something else than frames"},
        {"cat > kept", "cat lost", "exited with 1: cat: lost"},
        {"cat > kept", "kill -9 $$", "SIGKILL"},
    };
    for (const auto& [out, in, says] : bad) {
        keep(old_.plugins, out, in);
        const auto record = update();
        expect_unharmed(record);
        EXPECT_NE(record.error->what().find(says), std::string::npos)
            << out << ": " << record.error->what();
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
    }
}

} // namespace
} // namespace segue::update

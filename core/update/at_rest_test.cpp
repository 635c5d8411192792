// SPDX-License-Identifier: Apache-2.0
#include "core/update/at_rest_test.hpp"

namespace segue::update {
namespace {

class UpdateLater : public AtRest {
protected:
    UpdateLater()
        : AtRest(true) {
        save_ = true;
    }
    // The file itself, past the start that takes its name away.
    void keep_state() { ASSERT_EQ(::link((dir_ / "main").c_str(), (dir_ / "kept").c_str()), 0); }
    void restore_state() {
        ASSERT_EQ(::rename((dir_ / "kept").c_str(), (dir_ / "main").c_str()), 0);
    }
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
    keep_state();
    Image fresh("new", dir_.path().string(), true);
    const Status started = start(fresh);
    ASSERT_TRUE(started) << started.error().what();
    EXPECT_EQ(fresh.machine.reg, 0x600du);
    EXPECT_EQ(fresh.run.state(), RunState::Running);
    EXPECT_EQ(fresh.inventory.blocks()[0].base()[4096], std::byte{0x5a});
    EXPECT_EQ(fresh.ownership->word(), (Word{2, 1, Owner::Owned}));

    EXPECT_NE(::access((dir_ / "main").c_str(), F_OK), 0) << "the state was left behind";
    Image none("none", dir_.path().string(), true);
    EXPECT_EQ(start(none).code(), Code::NotFound);

    restore_state();
    Image again("again", dir_.path().string(), true);
    const Status second = start(again);
    ASSERT_EQ(second.code(), Code::Refused);
    EXPECT_FALSE(second.error().way_out().empty());
    EXPECT_FALSE(again.vcpus.running);
}

TEST_F(UpdateLater, AfterABootTheStatesOwnWordDecides) {
    update();
    keep_state();
    ::unlink((dir_ / "owner").c_str()); // tmpfs does not outlive a boot
    Image fresh("new", dir_.path().string(), true);
    ASSERT_TRUE(start(fresh));
    EXPECT_EQ(fresh.ownership->word(), (Word{2, 1, Owner::Owned}));
    restore_state();
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
        {"head -c 100 > kept; cat > /dev/null", "cat kept", "read channel main back"},
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
        EXPECT_EQ(test::children_of(::getpid()), others_) << "a child was not reaped";
    }
}

TEST_F(UpdateLater, AFileThatAStartOwnedAndNeverRanMayBeStarted) {
    update();
    {
        Image killed("killed", dir_.path().string(), true);
        killed.script.on("killed machine load", [&] {
            const std::uint64_t owned = pack({2, 1, Owner::Owned});
            const UniqueFd file = sys::open(dir_ / "main", O_RDWR).value();
            return sys::pwrite_all(file.get(), std::as_bytes(std::span(&owned, 1)),
                                   Channel::kManifestOffset + state::kWordOffset);
        });
        killed.script.on("killed devices claim", [] { return Error(Code::Io, "killed"); });
        EXPECT_FALSE(start(killed));
    }
    Image fresh("new", dir_.path().string(), true);
    const Status started = start(fresh);
    EXPECT_TRUE(started) << started.error().what();
}

TEST_F(UpdateLater, OtherMemoryThanTheSavedOneIsRefused) {
    update();
    const UniqueFd ram = sys::open(dir_ / "ram", O_RDWR).value();
    std::byte stamp[80];
    ASSERT_TRUE(sys::pread_all(ram.get(), stamp, 1u << 20));
    const std::byte none[80] = {};
    ASSERT_TRUE(sys::pwrite_all(ram.get(), none, 1u << 20));
    Image lost("lost", dir_.path().string(), true);
    const Status s = start(lost);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_EQ(s.error().detail("block"), "ram0");
    EXPECT_FALSE(lost.vcpus.running);
    ASSERT_TRUE(sys::pwrite_all(ram.get(), stamp, 1u << 20));
    Image fresh("new", dir_.path().string(), true);
    EXPECT_TRUE(start(fresh)) << "the refusal did no harm";
    ASSERT_TRUE(sys::pread_all(ram.get(), stamp, 1u << 20));
    EXPECT_TRUE(std::equal(std::begin(stamp), std::end(stamp), std::begin(none)))
        << "the stamp of a guest that runs";
}

TEST_F(UpdateSelf, AModeThatLeavesNothingAtRestDoesNotSave) {
    save_ = true;
    const auto record = update();
    expect_unharmed(record);
    EXPECT_EQ(record.error->detail("plugin"), "mode/rest");
    EXPECT_EQ(old_.script.count("old vcpus stop"), 0);
}

} // namespace
} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// A machine with devices of a configuration, from one generation to the next.
#include "vmm/machine/device_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "vmm/machine/test_guest.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class DevicesTest : public testing::Test {
protected:
    DevicesTest() {
        const UniqueFd fd = sys::open(dir / "disk", O_RDWR | O_CREAT).value();
        EXPECT_TRUE(sys::truncate(fd.get(), 1 << 20).ok());
        config.devices = plug_in({{"disk0", "virtio-blk", "", {{"path", dir / "disk"}}},
                                  {"rng0", "virtio-rng", "", {}}});
    }
    static std::vector<std::byte> manifest_of(TestGuest& guest) {
        state::Writer writer{state::Header()};
        EXPECT_TRUE(guest.machine.describe(writer).ok());
        const auto bytes = writer.finish();
        return {bytes.begin(), bytes.end()};
    }
    static Error failure(Status status) {
        return status ? Error(Code::Ok, "") : std::move(status).error();
    }
    std::unique_ptr<TestGuest> boot() {
        auto guest = std::make_unique<TestGuest>(test_inventory(64 << 20));
        EXPECT_EQ(failure(guest->machine.create(config, guest->inventory)).what(), "");
        return guest;
    }
    TempDir dir;
    MachineConfig config = test_config(1, ConsoleKind::None);
};

TEST_F(DevicesTest, GoFromGenerationToGeneration) {
    auto guest = boot();
    guest->start();
    ASSERT_TRUE(guest->counts());
    for (int i = 0; i < 5; ++i) {
        const auto manifest = manifest_of(*guest);
        const auto plan = state::Reader::parse(manifest).value();
        auto next = std::make_unique<TestGuest>(copy_of(guest->inventory));
        ASSERT_EQ(failure(next->machine.build(plan, next->inventory)).what(), "");
        EXPECT_EQ(failure(plan.all_taken()).what(), "");
        ASSERT_TRUE(guest->machine.devices().settle(Deadline::in(5s)).ok());
        ASSERT_TRUE(guest->stop().ok());
        ASSERT_TRUE(guest->machine.devices().quiesce().ok());
        state::Writer writer{state::Header()};
        ASSERT_TRUE(guest->machine.save(writer).ok());
        const auto state = state::Reader::parse(writer.finish()).value();
        ASSERT_EQ(failure(next->machine.load(state)).what(), "");
        EXPECT_EQ(failure(state.all_taken()).what(), "");
        EXPECT_EQ(next->machine.config().devices.size(), 2u);
        EXPECT_EQ(next->machine.config().devices[0].text("path"), dir / "disk");
        guest = std::move(next);
        guest->start();
        ASSERT_TRUE(guest->counts());
    }
    EXPECT_EQ(guest->complaint(), "");
    TestGuest other(test_inventory(64 << 20));
    EXPECT_THAT(failure(other.machine.reopen(config.devices, {}, other.inventory)).what(),
                HasSubstr("locked")); // the lock has come along
}

// What the file says by then counts as little as what a newer VMM would offer.
TEST_F(DevicesTest, HaveTheRingsOfTheirFirstBootInEachGeneration) {
    config.devices[1].values["packed"] = "false";
    auto guest = boot();
    const auto offers = [](TestGuest& g) {
        state::Writer writer{state::Header()};
        EXPECT_TRUE(g.machine.save(writer).ok());
        const auto state = state::Reader::parse(writer.finish()).value();
        const auto offered = [&](const char* section, const char* id) {
            return state.take(section, id).value()->number("offered").value() >> 34 & 1;
        };
        return std::pair(offered("virtio-blk", "disk0"), offered("virtio-rng", "rng0"));
    };
    EXPECT_EQ(offers(*guest), std::pair(1ul, 0ul));
    const auto manifest = manifest_of(*guest);
    TestGuest next(copy_of(guest->inventory));
    ASSERT_EQ(
        failure(next.machine.build(state::Reader::parse(manifest).value(), next.inventory)).what(),
        "");
    EXPECT_EQ(offers(next), std::pair(1ul, 0ul));
    EXPECT_EQ(next.machine.config().devices[1].text("packed"), "false");
}

TEST_F(DevicesTest, AProbeNeedsNoDescriptors) {
    auto guest = boot();
    const auto manifest = manifest_of(*guest);
    TestGuest probe(test_inventory(64 << 20));
    const Status checked =
        probe.machine.check(state::Reader::parse(manifest).value(), probe.inventory);
    EXPECT_EQ(failure(checked).what(), "");
    TestGuest standby(test_inventory(64 << 20)); // a new generation does
    EXPECT_EQ(
        failure(standby.machine.build(state::Reader::parse(manifest).value(), standby.inventory))
            .code(),
        Code::NotFound);
}

TEST_F(DevicesTest, WhatCannotBeMadeIsRefusedBeforeTheGuestStarts) {
    RecordingEvents events;
    const auto refusal = [&](std::vector<DeviceConfig> devices) {
        auto inventory = test_inventory(64 << 20);
        config.devices = std::move(devices);
        return failure(Machine(events).create(config, inventory)).what();
    };
    EXPECT_THAT(refusal(plug_in({{"d", "virtio-blk", "", {{"path", dir / "none"}}}})),
                HasSubstr("No such file"));
    EXPECT_THAT(refusal(plug_in({{"d", "virtio-gpu", "", {}}})), HasSubstr("no model"));
    EXPECT_THAT(refusal({{"d", "virtio-rng", 32, {}}}), HasSubstr("there are 32"));
    EXPECT_THAT(refusal({{"d", "virtio-rng", 4, {}}, {"e", "virtio-rng", 4, {}}}),
                HasSubstr("taken"));
}

TEST_F(DevicesTest, ADiskThatShrinksBeforeThePauseIsRefusedBeforeThePause) {
    auto guest = boot();
    guest->start();
    const auto manifest = manifest_of(*guest);
    ASSERT_TRUE(sys::truncate(guest->inventory.find("disk.disk0"), 1 << 19).ok());
    TestGuest next(copy_of(guest->inventory));
    const Error e =
        failure(next.machine.build(state::Reader::parse(manifest).value(), next.inventory));
    EXPECT_EQ(e.code(), Code::Refused);
    EXPECT_THAT(e.what(), HasSubstr(dir / "disk"));
}

TEST_F(DevicesTest, AResetLeavesThemAsAtPowerOn) {
    auto guest = boot();
    guest->start();
    ASSERT_TRUE(guest->counts());
    ASSERT_TRUE(guest->stop().ok());
    ASSERT_TRUE(guest->machine.devices().quiesce().ok());
    EXPECT_EQ(failure(guest->machine.reset()).what(), "");
    guest->start();
    EXPECT_TRUE(guest->counts());
}

} // namespace
} // namespace segue::vmm

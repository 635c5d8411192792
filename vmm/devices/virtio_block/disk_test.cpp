// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

class DiskTest : public testing::Test {
protected:
    DiskConfig file(const std::string& name, std::uint64_t bytes, bool read_only = false) {
        const UniqueFd fd = sys::open(dir / name, O_RDWR | O_CREAT).value();
        EXPECT_TRUE(sys::truncate(fd.get(), bytes).ok());
        return {"disk0", dir / name, read_only};
    }
    // "" where it can be opened.
    static std::string refusal(const DiskConfig& config) {
        inventory::Inventory inventory;
        const Status s = open_disk(config, inventory);
        if (s)
            return "";
        EXPECT_FALSE(s.error().way_out().empty());
        EXPECT_EQ(s.error().detail("device"), "disk0");
        EXPECT_THAT(s.error().what(), HasSubstr("disk0"));
        EXPECT_THAT(s.error().what(), HasSubstr(config.path));
        return s.error().what();
    }
    TempDir dir;
};

TEST_F(DiskTest, IsOpenedOnceAndAdoptedAfterwards) {
    inventory::Inventory inventory;
    ASSERT_TRUE(open_disk(file("a", 1 << 20), inventory).ok());
    const Disk disk = adopt_disk({"disk0", dir / "a", false}, inventory).value();
    EXPECT_EQ(disk.bytes, 1u << 20);
    EXPECT_EQ(disk.fd, inventory.find("disk.disk0"));
    EXPECT_EQ(adopt_disk({"disk1", dir / "a", false}, inventory).code(), Code::NotFound);
}

TEST_F(DiskTest, WhatCannotBeADiskIsRefused) {
    EXPECT_THAT(refusal({"disk0", dir / "none", false}), HasSubstr("No such file"));
    EXPECT_THAT(refusal(file("odd", 1000)), HasSubstr("512-byte sectors"));
    EXPECT_THAT(refusal(file("empty", 0)), HasSubstr("512-byte sectors"));
    EXPECT_THAT(refusal({"disk0", "/dev/null", false}), HasSubstr("neither a file"));
    EXPECT_NE(refusal({"disk0", dir.path(), false}), "");
}

TEST_F(DiskTest, OneMayWriteOrManyMayRead) {
    inventory::Inventory writer, reader;
    ASSERT_TRUE(open_disk(file("a", 512), writer).ok());
    EXPECT_THAT(refusal({"disk0", dir / "a", false}), HasSubstr("has it locked"));
    EXPECT_THAT(refusal({"disk0", dir / "a", true}), HasSubstr("has it locked"));
    ASSERT_TRUE(open_disk(file("b", 512, true), reader).ok());
    EXPECT_EQ(refusal({"disk0", dir / "b", true}), "");
    EXPECT_THAT(refusal({"disk0", dir / "b", false}), HasSubstr("has it locked"));
}

TEST_F(DiskTest, TheLockGoesOnWithTheDescriptor) {
    inventory::Inventory next;
    {
        inventory::Inventory old;
        ASSERT_TRUE(open_disk(file("a", 512), old).ok());
        ASSERT_TRUE(next.add({"disk.disk0", sys::dup(old.find("disk.disk0")).value()}).ok());
    }
    EXPECT_THAT(refusal({"disk0", dir / "a", false}), HasSubstr("has it locked"));
    (void)next.take("disk.disk0");
    EXPECT_EQ(refusal({"disk0", dir / "a", false}), "");
}

// Its VMM has ended, its ring is closed by the kernel a little later.
TEST_F(DiskTest, ALockThatIsAboutToGoIsWaitedFor) {
    const DiskConfig config = file("a", 512);
    inventory::Inventory old;
    ASSERT_TRUE(open_disk(config, old).ok());
    std::thread closes([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        (void)old.take("disk.disk0");
    });
    EXPECT_EQ(refusal(config), "");
    closes.join();
}

// As between two hosts.
TEST_F(DiskTest, TheLockPassesFromOneToAnother) {
    inventory::Inventory old, next;
    const DiskConfig config = file("a", 512);
    ASSERT_TRUE(open_disk(config, old).ok());
    ASSERT_TRUE(join_disk(config, next).ok());
    EXPECT_TRUE(check_held(config, next).ok());
    EXPECT_THAT(take_hold(config, next).error().what(), HasSubstr("has it locked"));
    ASSERT_TRUE(let_go(config, old).ok());
    EXPECT_THAT(check_held(config, next).error().what(), HasSubstr("has no lock on it"));
    ASSERT_TRUE(take_hold(config, next).ok());
    EXPECT_THAT(refusal(config), HasSubstr("has it locked"));
    EXPECT_FALSE(take_hold(config, old).ok());
    ASSERT_TRUE(let_go(config, next).ok());
    EXPECT_TRUE(take_hold(config, old).ok());
}

TEST_F(DiskTest, AnIdentityTellsFilesAndTimesApart) {
    inventory::Inventory inventory;
    ASSERT_TRUE(open_disk(file("a", 512), inventory).ok());
    const Disk disk = adopt_disk({"disk0", dir / "a", false}, inventory).value();
    const DiskIdentity before = identity_of(disk).value();
    EXPECT_EQ(identity_of(disk).value(), before);
    const timespec then[2] = {{0, UTIME_OMIT}, {1000, 5}};
    ASSERT_EQ(::futimens(disk.fd, then), 0);
    EXPECT_EQ(identity_of(disk).value().changed_ns, 1'000'000'000'005);
    EXPECT_EQ(identity_of(disk).value().inode, before.inode);
}

} // namespace
} // namespace segue::vmm

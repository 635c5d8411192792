// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/request.hpp"

#include <linux/virtio_blk.h>

#include <gtest/gtest.h>

#include <cerrno>

#include "vmm/virtio/test_ram.hpp"

namespace segue::vmm {
namespace {

using Kind = HostRequest::Kind;

constexpr std::uint64_t kHeader = 0x1000, kData = 0x2000, kStatus = 0x9000;
constexpr std::uint64_t kSectors = 64;

class BlockRequestTest : public testing::Test {
protected:
    BlockRequestTest() {
        disk.id = "disk0";
        disk.bytes = kSectors * 512;
        ram.fill(kStatus, 1, 0xee);
    }
    // `data` bytes at kData, written by the device or read by it.
    BlockRequest make(std::uint32_t type, std::uint64_t sector, std::uint32_t data,
                      bool device_writes) {
        ram.poke(kHeader, virtio_blk_outhdr{type, 0, sector});
        virtio::Chain chain;
        EXPECT_TRUE(chain.add(ram.memory(), {kHeader, 16}).ok());
        if (data != 0) {
            EXPECT_TRUE(chain.add(ram.memory(), {kData, data, false, device_writes}).ok());
        }
        EXPECT_TRUE(chain.add(ram.memory(), {kStatus, 1, false, true}).ok());
        return BlockRequest::read(disk, std::move(chain), ram.memory()).value();
    }
    BlockRequest make_range(std::uint32_t type, std::uint64_t sector, std::uint32_t sectors,
                            std::uint32_t flags) {
        ram.poke(kData, virtio_blk_discard_write_zeroes{sector, sectors, flags});
        return make(type, sector, 16, false);
    }
    // Where it is answered without the host.
    int status(const BlockRequest& r) {
        EXPECT_FALSE(r.for_host());
        (void)r.complete(ram.memory());
        return ram.peek<std::uint8_t>(kStatus);
    }
    int status_after(BlockRequest& r, std::int32_t result) {
        EXPECT_TRUE(r.for_host());
        EXPECT_TRUE(r.finished_by(result));
        (void)r.complete(ram.memory());
        return ram.peek<std::uint8_t>(kStatus);
    }
    virtio::TestRam ram;
    DiskFacts disk;
};

TEST_F(BlockRequestTest, ReadsAndWritesGoWhereTheySay) {
    BlockRequest r = make(VIRTIO_BLK_T_IN, 3, 1024, true);
    EXPECT_EQ(r.host().kind, Kind::Read);
    EXPECT_EQ(r.host().offset, 3u * 512);
    EXPECT_EQ(r.host().bytes, 1024u);
    ASSERT_EQ(r.host().pieces.size(), 1u);
    EXPECT_EQ(r.host().pieces[0].iov_len, 1024u);
    EXPECT_EQ(status_after(r, 1024), VIRTIO_BLK_S_OK);
    EXPECT_EQ(r.complete(ram.memory()), 1025u);
    BlockRequest w = make(VIRTIO_BLK_T_OUT, kSectors - 1, 512, false);
    EXPECT_EQ(w.host().kind, Kind::Write);
    EXPECT_EQ(status_after(w, 512), VIRTIO_BLK_S_OK);
    EXPECT_EQ(w.complete(ram.memory()), 1u);
    disk.write_through = true;
    EXPECT_EQ(make(VIRTIO_BLK_T_OUT, 0, 512, false).host().kind, Kind::DurableWrite);
}

TEST_F(BlockRequestTest, WhatIsNotOnTheDiskIsAnError) {
    EXPECT_EQ(status(make(VIRTIO_BLK_T_IN, kSectors, 512, true)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make(VIRTIO_BLK_T_IN, kSectors - 1, 1024, true)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make(VIRTIO_BLK_T_OUT, ~0ull, 512, false)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make(VIRTIO_BLK_T_OUT, 1ull << 55, 512, false)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make(VIRTIO_BLK_T_IN, 0, 511, true)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make(VIRTIO_BLK_T_IN, 0, 0, true)), VIRTIO_BLK_S_OK);
    EXPECT_EQ(status(make(99, 0, 512, true)), VIRTIO_BLK_S_UNSUPP);
    disk.read_only = true;
    EXPECT_EQ(status(make(VIRTIO_BLK_T_OUT, 0, 512, false)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make_range(VIRTIO_BLK_T_DISCARD, 0, 1, 0)), VIRTIO_BLK_S_IOERR);
    EXPECT_TRUE(make(VIRTIO_BLK_T_IN, 0, 512, true).for_host());
}

TEST_F(BlockRequestTest, TheHostMayDoLessThanItWasAsked) {
    BlockRequest r = make(VIRTIO_BLK_T_IN, 0, 2048, true);
    EXPECT_FALSE(r.finished_by(1000));
    EXPECT_EQ(r.host().offset, 1000u);
    EXPECT_EQ(r.host().pieces[0].iov_len, 1048u);
    EXPECT_FALSE(r.finished_by(-EINTR));
    EXPECT_FALSE(r.finished_by(1047));
    EXPECT_EQ(status_after(r, 1), VIRTIO_BLK_S_OK);
    BlockRequest end = make(VIRTIO_BLK_T_IN, 0, 2048, true);
    EXPECT_FALSE(end.finished_by(512));
    EXPECT_EQ(status_after(end, 0), VIRTIO_BLK_S_IOERR); // the file is shorter than it was
    EXPECT_TRUE(end.failed());
    EXPECT_EQ(end.complete(ram.memory()), 0u);
    BlockRequest bad = make(VIRTIO_BLK_T_OUT, 0, 512, false);
    EXPECT_EQ(status_after(bad, -EIO), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(bad.complete(ram.memory()), 1u);
}

TEST_F(BlockRequestTest, FlushesAreAnsweredByTheHost) {
    BlockRequest r = make(VIRTIO_BLK_T_FLUSH, 0, 0, false);
    EXPECT_EQ(r.host().kind, Kind::Flush);
    EXPECT_EQ(status_after(r, 0), VIRTIO_BLK_S_OK);
    BlockRequest bad = make(VIRTIO_BLK_T_FLUSH, 0, 0, false);
    EXPECT_EQ(status_after(bad, -EIO), VIRTIO_BLK_S_IOERR);
}

TEST_F(BlockRequestTest, TheSerialNumberIsTheId) {
    const BlockRequest r = make(VIRTIO_BLK_T_GET_ID, 0, 20, true);
    EXPECT_EQ(status(r), VIRTIO_BLK_S_OK);
    EXPECT_EQ(ram.text(kData, 6), std::string("disk0\0", 6));
    EXPECT_EQ(r.complete(ram.memory()), 21u);
    EXPECT_EQ(status(make(VIRTIO_BLK_T_GET_ID, 0, 3, true)), VIRTIO_BLK_S_OK);
}

TEST_F(BlockRequestTest, ADiscardIsAHint) {
    BlockRequest r = make_range(VIRTIO_BLK_T_DISCARD, 8, 4, 0);
    EXPECT_EQ(r.host().kind, Kind::PunchHole);
    EXPECT_EQ(r.host().offset, 8u * 512);
    EXPECT_EQ(r.host().bytes, 4u * 512);
    EXPECT_EQ(status_after(r, -EOPNOTSUPP), VIRTIO_BLK_S_OK);
    BlockRequest bad = make_range(VIRTIO_BLK_T_DISCARD, 8, 4, 0);
    EXPECT_EQ(status_after(bad, -EIO), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make_range(VIRTIO_BLK_T_DISCARD, 8, 4, 1)), VIRTIO_BLK_S_UNSUPP);
    EXPECT_EQ(status(make_range(VIRTIO_BLK_T_DISCARD, 61, 4, 0)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make_range(VIRTIO_BLK_T_DISCARD, ~0ull, 4, 0)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make_range(VIRTIO_BLK_T_DISCARD, 0, ~0u, 0)), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(status(make(VIRTIO_BLK_T_DISCARD, 0, 32, false)), VIRTIO_BLK_S_IOERR);
}

TEST_F(BlockRequestTest, ZeroesAreMadeOneWayOrAnother) {
    BlockRequest hole = make_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 1);
    EXPECT_EQ(hole.host().kind, Kind::PunchHole);
    EXPECT_FALSE(hole.finished_by(-EOPNOTSUPP));
    EXPECT_EQ(hole.host().kind, Kind::ZeroRange);
    EXPECT_EQ(status_after(hole, 0), VIRTIO_BLK_S_OK);
    disk.bytes = std::uint64_t{kMaxWriteZeroesSectors} * 512;
    BlockRequest r = make_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, kMaxWriteZeroesSectors, 0);
    EXPECT_EQ(r.host().kind, Kind::ZeroRange); // it did not ask for a hole
    EXPECT_FALSE(r.finished_by(-EOPNOTSUPP));
    EXPECT_EQ(r.host().kind, Kind::Write);
    EXPECT_LE(r.host().pieces.size(), 1024u); // of writev(2)
    std::uint64_t bytes = 0;
    for (const iovec& p : r.host().pieces) {
        bytes += p.iov_len;
        EXPECT_EQ(static_cast<char*>(p.iov_base)[p.iov_len - 1], 0);
    }
    EXPECT_EQ(bytes, disk.bytes);
    EXPECT_EQ(status_after(r, static_cast<std::int32_t>(bytes)), VIRTIO_BLK_S_OK);
    disk.bytes *= 2;
    EXPECT_EQ(status(make_range(VIRTIO_BLK_T_WRITE_ZEROES, 0, kMaxWriteZeroesSectors + 1, 0)),
              VIRTIO_BLK_S_IOERR);
}

TEST_F(BlockRequestTest, WithoutHeaderOrStatusItIsNoRequest) {
    virtio::Chain short_one, silent;
    EXPECT_TRUE(short_one.add(ram.memory(), {kHeader, 15}).ok());
    EXPECT_TRUE(short_one.add(ram.memory(), {kStatus, 1, false, true}).ok());
    EXPECT_TRUE(silent.add(ram.memory(), {kHeader, 16}).ok());
    EXPECT_EQ(BlockRequest::read(disk, short_one, ram.memory()).code(), Code::Corrupt);
    EXPECT_EQ(BlockRequest::read(disk, silent, ram.memory()).code(), Code::Corrupt);
}

} // namespace
} // namespace segue::vmm

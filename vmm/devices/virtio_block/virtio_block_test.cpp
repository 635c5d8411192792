// SPDX-License-Identifier: Apache-2.0
// A disk and its driver; on a host in memory, and on a file by io_uring.
#include "vmm/devices/virtio_block/virtio_block.hpp"

#include <linux/virtio_blk.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "vmm/devices/virtio_block/memory_io.hpp"
#include "vmm/devices/virtio_block/uring_io.hpp"
#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using virtio::DriverRing;
using virtio::RingFeatures;
using virtio::soon;
using virtio::TestMachine;
using virtio::TestRam;
using virtio::Used;
using Kind = HostRequest::Kind;

constexpr std::uint64_t kDiskBytes = 1 << 20;
constexpr std::uint16_t kQueue = 256;
constexpr std::uint64_t kRequests = 0x40000; // 4 KiB each: header, status, data at 512
constexpr std::uint64_t kAllFeatures =
    1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES;

Disk disk_of(int fd, bool read_only = false) {
    Disk disk;
    disk.config = {"disk0", "/a/disk", read_only};
    disk.fd = fd;
    disk.bytes = kDiskBytes;
    return disk;
}

// A driver of one disk, whose rings go on from one machine to the next.
class Driver {
public:
    Driver(TestRam& ram, const RingFeatures& features)
        : ram_(ram)
        , features_(features) {}

    void bring_up(TestMachine& m, std::uint64_t features = kAllFeatures) {
        m.bring_up(virtio::bits_of(features_) | features, kQueue);
        ring_ = make_driver(ram_, TestMachine::place(0, kQueue), features_, TestMachine::tables(0));
    }
    std::uint64_t data(std::uint16_t token) const { return kRequests + 4096ull * token + 512; }
    bool send(std::uint16_t token, std::uint32_t type, std::uint64_t sector, std::uint32_t bytes) {
        const std::uint64_t at = kRequests + 4096ull * token;
        ram_.poke(at, virtio_blk_outhdr{type, 0, sector});
        ram_.poke<std::uint8_t>(at + 16, 0xee);
        std::vector<virtio::Buffer> buffers = {{at, 16}};
        if (bytes != 0)
            buffers.push_back({data(token), bytes, type == VIRTIO_BLK_T_IN});
        buffers.push_back({at + 16, 1, true});
        return ring_->add(buffers, token);
    }
    bool write(std::uint16_t token, std::uint64_t sector, std::uint8_t with,
               std::uint32_t bytes = 512) {
        ram_.fill(data(token), bytes, with);
        return send(token, VIRTIO_BLK_T_OUT, sector, bytes);
    }
    // Status bytes of what has come back so far, by token; each token once.
    std::map<std::uint16_t, int>& collect() {
        while (const auto used = ring_->take())
            EXPECT_TRUE(back_
                            .emplace(used->token, ram_.peek<std::uint8_t>(
                                                      kRequests + 4096ull * used->token + 16))
                            .second)
                << used->token;
        return back_;
    }
    int wait(std::uint16_t token) {
        EXPECT_TRUE(soon([&] { return collect().count(token) != 0; })) << token;
        const int status = back_[token];
        back_.erase(token);
        return status;
    }

private:
    TestRam& ram_;
    const RingFeatures features_;
    std::unique_ptr<DriverRing> ring_;
    std::map<std::uint16_t, int> back_;
};

class BlockTest : public testing::TestWithParam<RingFeatures> {
protected:
    // A generation's disk on the host in memory.
    struct Side {
        explicit Side(BlockTest& t, Disk disk)
            : Side(t, std::move(disk), std::make_unique<MemoryIo>(t.host)) {}
        Side(BlockTest& t, Disk disk, std::unique_ptr<MemoryIo> i)
            : io(*i)
            , m(t.ram, std::make_unique<VirtioBlock>(std::move(disk), std::move(i))) {}
        MemoryIo& io;
        TestMachine m;
    };
    std::unique_ptr<Side> side(bool read_only = false) {
        return std::make_unique<Side>(*this, disk_of(file.get(), read_only));
    }
    std::uint8_t on_disk(std::uint64_t sector) const {
        return std::to_integer<std::uint8_t>(host.disk[sector * 512]);
    }
    TestRam ram;
    MemoryIo::Host host{kDiskBytes};
    UniqueFd file = sys::memfd("disk", 0).value(); // has an identity
    Driver driver{ram, GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Rings, BlockTest,
                         testing::Values(RingFeatures{false, false, false},
                                         RingFeatures{false, true, true},
                                         RingFeatures{true, false, false},
                                         RingFeatures{true, true, true}));

TEST_P(BlockTest, ReadsWhatWasWritten) {
    auto s = side();
    s->m.device().activate();
    driver.bring_up(s->m);
    ASSERT_TRUE(driver.write(0, 7, 0xab, 1024));
    s->m.notify(0);
    EXPECT_EQ(driver.wait(0), VIRTIO_BLK_S_OK);
    EXPECT_EQ(on_disk(8), 0xab);
    ASSERT_TRUE(driver.send(1, VIRTIO_BLK_T_IN, 8, 512));
    ASSERT_TRUE(driver.send(2, VIRTIO_BLK_T_FLUSH, 0, 0));
    s->m.notify(0);
    EXPECT_EQ(driver.wait(1), VIRTIO_BLK_S_OK);
    EXPECT_EQ(driver.wait(2), VIRTIO_BLK_S_OK);
    EXPECT_EQ(ram.peek<std::uint8_t>(driver.data(1) + 511), 0xab);
    EXPECT_THAT(host.seen, testing::ElementsAre(Kind::Write, Kind::Read, Kind::Flush));
}

TEST_P(BlockTest, SaysWhatItIs) {
    auto s = side(), r = side(true);
    const auto config = [](TestMachine& m, std::uint64_t at) {
        return m.in<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, at);
    };
    EXPECT_EQ(config(s->m, 0), kDiskBytes / 512);
    EXPECT_EQ(config(s->m, offsetof(virtio_blk_config, seg_max)), 254u);
    EXPECT_EQ(config(s->m, offsetof(virtio_blk_config, blk_size)), 512u);
    EXPECT_EQ(config(s->m, 0x100), 0u);
    EXPECT_EQ(s->m.config<std::uint32_t>(0), 0x10421af4u);
    EXPECT_EQ(s->m.common<std::uint32_t>(VIRTIO_PCI_COMMON_DF) & (1u << VIRTIO_BLK_F_RO), 0u);
    EXPECT_NE(r->m.common<std::uint32_t>(VIRTIO_PCI_COMMON_DF) & (1u << VIRTIO_BLK_F_RO), 0u);
    EXPECT_EQ(r->m.common<std::uint32_t>(VIRTIO_PCI_COMMON_DF) & (1u << VIRTIO_BLK_F_DISCARD), 0u);
}

TEST_P(BlockTest, WithoutFlushesEachWriteIsDurable) {
    auto s = side();
    s->m.device().activate();
    driver.bring_up(s->m, 0);
    ASSERT_TRUE(driver.write(0, 7, 0xab));
    s->m.notify(0);
    EXPECT_EQ(driver.wait(0), VIRTIO_BLK_S_OK);
    EXPECT_THAT(host.seen, testing::ElementsAre(Kind::DurableWrite));
    auto next = side(); // and in the next generation
    s->m.hand_over(next->m);
    ASSERT_TRUE(driver.write(1, 7, 0xac));
    next->m.notify(0);
    EXPECT_EQ(driver.wait(1), VIRTIO_BLK_S_OK);
    EXPECT_THAT(host.seen, testing::ElementsAre(Kind::DurableWrite, Kind::DurableWrite));
}

TEST_P(BlockTest, AHostsErrorIsTheGuests) {
    auto s = side();
    s->m.device().activate();
    driver.bring_up(s->m);
    host.error = [](Kind kind) { return kind == Kind::Write ? EIO : 0; };
    ASSERT_TRUE(driver.write(0, 7, 0xab));
    ASSERT_TRUE(driver.send(1, VIRTIO_BLK_T_IN, 7, 512));
    s->m.notify(0);
    EXPECT_EQ(driver.wait(0), VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(driver.wait(1), VIRTIO_BLK_S_OK);
}

TEST_P(BlockTest, ARequestWithoutAStatusNeedsAReset) {
    auto s = side();
    s->m.device().activate();
    driver.bring_up(s->m);
    auto ring = make_driver(ram, TestMachine::place(0, kQueue), GetParam(), TestMachine::tables(0));
    ASSERT_TRUE(ring->add({{kRequests, 16}}, 0));
    s->m.notify(0);
    EXPECT_TRUE(soon([&] { return (s->m.status() & VIRTIO_CONFIG_S_NEEDS_RESET) != 0; }));
}

// More requests than the device takes at once, answered piecemeal.
TEST_P(BlockTest, AFullQueueIsServedToTheEnd) {
    auto s = side();
    host.most = 100;
    s->m.device().activate();
    driver.bring_up(s->m);
    for (std::uint16_t round = 0; round < 3; ++round) {
        const auto pattern = [&](std::uint16_t i) { return static_cast<std::uint8_t>(i + round); };
        std::uint16_t sent = 0;
        while (sent < 180 && driver.write(sent, sent, pattern(sent)))
            ++sent;
        EXPECT_GT(sent, GetParam().indirect ? HostIo::kDepth : 80);
        s->m.notify(0);
        for (std::uint16_t i = 0; i < sent; ++i) {
            ASSERT_EQ(driver.wait(i), VIRTIO_BLK_S_OK);
            EXPECT_EQ(on_disk(i), pattern(i));
        }
    }
}

// Ten updates in a row, requests in flight, in the ring and given back: each is done once, and what
// was acknowledged is on the disk.
TEST_P(BlockTest, NoRequestIsLostOrDoneTwiceInTenUpdates) {
    auto now = side();
    now->m.device().activate();
    driver.bring_up(now->m);
    std::uint16_t token = 0;
    for (int round = 0; round < 10; ++round) {
        const std::uint16_t first = token;
        {
            const std::lock_guard lock(host.mutex);
            host.hold = true;
            host.seen.clear();
        }
        for (int i = 0; i < 3; ++i, ++token)
            ASSERT_TRUE(driver.write(token, token, static_cast<std::uint8_t>(token + 1)));
        now->m.notify(0);
        ASSERT_TRUE(soon([&] { return now->io.waiting() == 3; }));
        auto next = side();
        now->io.let_go();
        ASSERT_TRUE(now->m.device().settle(Deadline::in(10s)).ok());
        for (int i = 0; i < 3; ++i, ++token) // the ring fills
            ASSERT_TRUE(driver.write(token, token, static_cast<std::uint8_t>(token + 1)));
        now->m.notify(0);
        now->m.hand_over(next->m);
        now = std::move(next);
        for (std::uint16_t t = first; t < token; ++t) {
            EXPECT_EQ(driver.wait(t), VIRTIO_BLK_S_OK);
            EXPECT_EQ(on_disk(t), t + 1);
        }
        EXPECT_EQ(host.seen.size(), 6u) << round;
    }
}

TEST_P(BlockTest, ASlowHostIsNamedAndTheGuestGoesOn) {
    auto s = side();
    s->m.device().activate();
    driver.bring_up(s->m);
    host.hold = true;
    ASSERT_TRUE(driver.write(0, 7, 0xab));
    s->m.notify(0);
    ASSERT_TRUE(soon([&] { return s->io.waiting() == 1; }));
    const Status settled = s->m.device().settle(Deadline::in(5ms));
    ASSERT_EQ(settled.code(), Code::Deadline);
    EXPECT_THAT(settled.error().what(), HasSubstr("disk0"));
    EXPECT_THAT(settled.error().what(), HasSubstr("1 requests"));
    EXPECT_FALSE(settled.error().way_out().empty());
    s->m.device().activate();
    s->io.let_go();
    EXPECT_EQ(driver.wait(0), VIRTIO_BLK_S_OK);
}

TEST_P(BlockTest, ADiskThatShrankIsRefused) {
    auto s = side();
    Disk disk = disk_of(file.get());
    disk.bytes -= 512;
    Side next(*this, disk);
    const Status loaded = next.m.load(s->m.saved());
    ASSERT_EQ(loaded.code(), Code::Refused);
    EXPECT_THAT(loaded.error().what(), HasSubstr("/a/disk"));
    disk.bytes += 1024; // a larger one is as large as it was for the guest
    Side larger(*this, disk);
    ASSERT_TRUE(larger.m.load(s->m.saved()).ok());
    EXPECT_EQ(larger.m.in<std::uint64_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 0), kDiskBytes / 512);
}

TEST_P(BlockTest, ADiskThatChangedWhileTheGuestRestedIsRefused) {
    auto s = side();
    const auto saved = s->m.saved(); // parked
    Disk disk = disk_of(file.get());
    disk.reopened = true;
    EXPECT_TRUE(Side(*this, disk).m.load(saved).ok());
    const timespec then[2] = {{0, UTIME_OMIT}, {1000, 5}};
    ASSERT_EQ(::futimens(file.get(), then), 0);
    Side changed(*this, disk);
    const Status loaded = changed.m.load(saved);
    ASSERT_EQ(loaded.code(), Code::Refused);
    EXPECT_THAT(loaded.error().what(), HasSubstr("was changed"));
    const UniqueFd other = sys::memfd("other", 0).value();
    disk.fd = other.get();
    EXPECT_THAT(Side(*this, disk).m.load(saved).error().what(), HasSubstr("another file"));
    s->m.device().activate(); // what is said of a disk in use is not held against it
    EXPECT_TRUE(Side(*this, disk).m.load(s->m.saved()).ok());
    Side next(*this, disk_of(file.get()));
    ASSERT_TRUE(next.m.load(saved).ok()); // nor what was said of it generations ago
    next.m.device().activate();
    EXPECT_TRUE(Side(*this, disk).m.load(next.m.saved()).ok());
    disk.reopened = false; // handed over: nobody else can have had it
    EXPECT_TRUE(Side(*this, disk).m.load(saved).ok());
}

// The same on a file, by the kernel.
TEST_P(BlockTest, AFileIsReadWrittenFlushedAndPunched) {
    const TempDir dir;
    const UniqueFd fd = sys::open(dir / "disk", O_RDWR | O_CREAT).value();
    ASSERT_TRUE(sys::truncate(fd.get(), kDiskBytes).ok());
    auto uring = make_uring_io(fd.get());
    ASSERT_TRUE(uring.ok()) << uring.error().what();
    TestMachine m(ram, std::make_unique<VirtioBlock>(disk_of(fd.get()), std::move(*uring)));
    m.device().activate();
    driver.bring_up(m);
    for (std::uint16_t i = 0; i < 8; ++i)
        ASSERT_TRUE(driver.write(i, 16 * i, static_cast<std::uint8_t>(i + 1), 2048));
    ASSERT_TRUE(driver.send(8, VIRTIO_BLK_T_FLUSH, 0, 0));
    m.notify(0);
    for (std::uint16_t i = 0; i < 9; ++i)
        EXPECT_EQ(driver.wait(i), VIRTIO_BLK_S_OK);
    std::byte b[2];
    ASSERT_TRUE(sys::pread_all(fd.get(), b, 16 * 3 * 512 + 2046).ok());
    EXPECT_EQ(b[0], std::byte{4});
    for (const std::uint32_t type : {VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES}) {
        ram.poke(driver.data(9), virtio_blk_discard_write_zeroes{16 * (type % 8), 2, 0});
        ASSERT_TRUE(driver.send(9, type, 0, 16));
        m.notify(0);
        EXPECT_EQ(driver.wait(9), VIRTIO_BLK_S_OK);
        ASSERT_TRUE(sys::pread_all(fd.get(), b, 16 * (type % 8) * 512).ok());
        EXPECT_EQ(b[0], std::byte{0});
    }
    ASSERT_TRUE(driver.send(10, VIRTIO_BLK_T_IN, 16, 1024));
    m.notify(0);
    EXPECT_EQ(driver.wait(10), VIRTIO_BLK_S_OK);
    EXPECT_EQ(ram.peek<std::uint8_t>(driver.data(10) + 1023), 2);
    ASSERT_TRUE(sys::truncate(fd.get(), kDiskBytes / 2).ok()); // under the guest
    ASSERT_TRUE(driver.send(11, VIRTIO_BLK_T_IN, kDiskBytes / 512 - 1, 512));
    m.notify(0);
    EXPECT_EQ(driver.wait(11), VIRTIO_BLK_S_IOERR);
    ASSERT_TRUE(m.device().settle(Deadline::in(10s)).ok());
}

} // namespace
} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_balloon/virtio_balloon.hpp"

#include <gtest/gtest.h>
#include <linux/virtio_balloon.h>

#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm {
namespace {

using virtio::soon;
using virtio::TestMachine;
using virtio::TestRam;
using virtio::Used;

constexpr std::uint64_t kPage = BalloonSize::kPage;
constexpr std::uint64_t kList = 0x30000; // of page numbers
constexpr std::uint64_t kFirst = 0x40000 / kPage;
constexpr std::uint64_t kFeatures = virtio::kVersion1 | 1ull << VIRTIO_BALLOON_F_REPORTING;
enum : unsigned { Inflate, Deflate, Reporting };

// A guest that puts pages into its balloon; the parameter: how its RAM is mapped.
class BalloonTest : public testing::TestWithParam<int> {
protected:
    static std::unique_ptr<virtio::Model> model(const std::shared_ptr<BalloonSize>& size) {
        return std::make_unique<VirtioBalloon>("balloon0", size);
    }
    void SetUp() override {
        m.device().activate();
        m.bring_up(kFeatures);
        for (unsigned q = 0; q < drivers.size(); ++q)
            drivers[q] = make_driver(ram, TestMachine::place(q, 8), {}, TestMachine::tables(q));
        ram.fill(kFirst * kPage, 16 * kPage, 0xaa);
    }
    void list(const std::vector<std::uint32_t>& pages) {
        for (std::size_t i = 0; i < pages.size(); ++i)
            ram.poke(kList + 4 * i, pages[i]);
    }
    // What comes back of a request.
    std::optional<Used> ask(TestMachine& machine, unsigned queue,
                            const std::vector<virtio::Buffer>& buffers) {
        EXPECT_TRUE(drivers[queue]->add(buffers, 7));
        machine.notify(queue);
        std::optional<Used> used;
        EXPECT_TRUE(soon([&] { return (used = drivers[queue]->take()).has_value(); }));
        return used;
    }
    // Its pages from kFirst on: 'x' holds what it held, '0' is empty.
    std::string pages() {
        std::string s;
        for (std::uint64_t p = kFirst; p < kFirst + 8; ++p)
            s += ram.peek<std::uint64_t>(p * kPage) == 0 ? '0' : 'x';
        return s;
    }
    bool needs_reset() { return (m.status() & VIRTIO_CONFIG_S_NEEDS_RESET) != 0; }

    TestRam ram{GetParam()};
    std::shared_ptr<BalloonSize> size = BalloonSize::create().value();
    TestMachine m{ram, model(size)};
    std::array<std::unique_ptr<virtio::DriverRing>, 3> drivers;
};

INSTANTIATE_TEST_SUITE_P(Ram, BalloonTest, testing::Values(MAP_SHARED, MAP_PRIVATE),
                         [](const auto& kind) {
                             return kind.param == MAP_SHARED ? "Shared" : "Private";
                         });

TEST_P(BalloonTest, WhatIsPutIntoItGoesBackToTheHost) {
    list({kFirst + 5, kFirst + 4, kFirst + 1});
    EXPECT_EQ(ask(m, Inflate, {{kList, 12}}), (Used{7, 0}));
    EXPECT_EQ(pages(), "x0xx00xx");
    list({kFirst + 4});
    EXPECT_EQ(ask(m, Deflate, {{kList, 4}}), (Used{7, 0}));
    ram.fill((kFirst + 4) * kPage, kPage, 0xbb);
    EXPECT_EQ(pages(), "x0xxx0xx");
}

TEST_P(BalloonTest, FreePagesThatAreReportedGoBack) {
    EXPECT_EQ(ask(m, Reporting,
                  {{(kFirst + 1) * kPage, 2 * kPage, true}, {(kFirst + 6) * kPage, kPage, true}}),
              (Used{7, 0}));
    EXPECT_EQ(pages(), "x00xxx0x");
}

TEST_P(BalloonTest, PartsOfPagesAndWhatIsNoRamStay) {
    EXPECT_EQ(ask(m, Reporting, {{kFirst * kPage + 512, kPage, true}}), (Used{7, 0}));
    list({kFirst + 3, 0x7fffffff, 0xffffffff, static_cast<std::uint32_t>(TestRam::kBytes / kPage)});
    EXPECT_EQ(ask(m, Inflate, {{kList, 16}}), (Used{7, 0}));
    EXPECT_EQ(pages(), "xxx0xxxx");
    EXPECT_FALSE(needs_reset());
}

TEST_P(BalloonTest, AListOfAWrongLengthNeedsAReset) {
    ASSERT_TRUE(drivers[Inflate]->add({{kList, 6}}, 1));
    m.notify(Inflate);
    EXPECT_TRUE(soon([&] { return needs_reset(); }));
    EXPECT_EQ(pages(), "xxxxxxxx");
}

TEST_P(BalloonTest, TheDriverIsToldWhatIsWanted) {
    const auto wanted = [&] { return m.in<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 0); };
    EXPECT_EQ(wanted(), 0u);
    const auto before = m.host.sent(TestMachine::kConfigMessage);
    size->want(3);
    EXPECT_TRUE(soon([&] { return m.host.sent(TestMachine::kConfigMessage) == before + 1; }));
    EXPECT_EQ(wanted(), 3u);
    m.out<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 4, 2);
    EXPECT_EQ(size->given(), 2u);
    m.out<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 0, 9); // not the driver's
    EXPECT_EQ(wanted(), 3u);
    EXPECT_EQ(size->given(), 2u);
}

TEST_P(BalloonTest, TheNextGenerationAsksForTheSameAgain) {
    size->want(3);
    m.out<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 4, 2);
    const auto next_size = BalloonSize::create().value();
    TestMachine next(ram, model(next_size));
    m.hand_over(next);
    EXPECT_EQ(next_size->wanted(), 3u);
    EXPECT_EQ(next_size->given(), 2u);
    EXPECT_TRUE(soon([&] { return next.host.sent(TestMachine::kConfigMessage) != 0; }))
        << "the guest may not have heard of it";
    list({kFirst});
    EXPECT_EQ(ask(next, Inflate, {{kList, 4}}), (Used{7, 0}));
    EXPECT_EQ(pages(), "0xxxxxxx");
}

TEST_P(BalloonTest, AGuestThatStartsAnewHasGivenNothing) {
    m.out<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 4, 2);
    size->want(3);
    m.device().reset();
    EXPECT_EQ(size->given(), 0u);
    EXPECT_EQ(size->wanted(), 3u);
}

} // namespace
} // namespace segue::vmm

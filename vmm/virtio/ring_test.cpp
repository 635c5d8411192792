// SPDX-License-Identifier: Apache-2.0
// Both kinds of ring between a device and a driver that keeps the rules.
#include "vmm/virtio/ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "vmm/virtio/driver_ring.hpp"

namespace segue::vmm::virtio {
namespace {

using testing::SizeIs;

constexpr RingPlace kPlace = {8, 0x1000, 0x2000, 0x3000};
constexpr std::uint64_t kTables = 0x4000;
constexpr std::uint64_t kData = 0x20000;

std::string name_of(const testing::TestParamInfo<RingFeatures>& info) {
    const RingFeatures& f = info.param;
    return std::string(f.packed ? "Packed" : "Split") + (f.indirect ? "Indirect" : "") +
           (f.event_index ? "EventIndex" : "");
}

class RingTest : public testing::TestWithParam<RingFeatures> {
protected:
    void SetUp() override {
        driver = make_driver(ram, kPlace, GetParam(), kTables);
        ring = open(first_position(GetParam()));
    }
    std::unique_ptr<Ring> open(RingPosition position) {
        return make_ring(ram.memory(), kPlace, GetParam(), position).value();
    }
    bool pop() {
        auto got = ring->pop(chain);
        EXPECT_TRUE(got.ok()) << got.error().what();
        return got && *got;
    }
    TestRam ram;
    std::unique_ptr<DriverRing> driver;
    std::unique_ptr<Ring> ring;
    Chain chain;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, RingTest,
    testing::Values(RingFeatures{false, false, false}, RingFeatures{false, true, false},
                    RingFeatures{false, false, true}, RingFeatures{false, true, true},
                    RingFeatures{true, false, false}, RingFeatures{true, true, false},
                    RingFeatures{true, false, true}, RingFeatures{true, true, true}),
    name_of);

TEST_P(RingTest, AChainComesAsItWasMade) {
    EXPECT_FALSE(pop());
    ASSERT_TRUE(driver->add({{kData, 16}, {kData + 16, 4}, {kData + 512, 512, true}}, 77));
    ASSERT_TRUE(pop());
    ASSERT_THAT(chain.readable(), SizeIs(2));
    ASSERT_THAT(chain.writable(), SizeIs(1));
    EXPECT_EQ(chain.readable()[1].at, kData + 16);
    EXPECT_EQ(chain.readable_bytes(), 20u);
    EXPECT_EQ(chain.writable_bytes(), 512u);
    EXPECT_FALSE(pop());
    EXPECT_FALSE(driver->take());
    ring->push(chain, 300);
    EXPECT_EQ(driver->take(), (Used{77, 300}));
    EXPECT_FALSE(driver->take());
}

TEST_P(RingTest, WhatWaitsIsCountedInChains) {
    EXPECT_EQ(ring->waiting(), 0u);
    for (std::uint16_t n = 0; n < 10; ++n) { // over the ring's end
        ASSERT_TRUE(driver->add({{kData, 16}, {kData + 512, 512, true}}, n));
        EXPECT_EQ(ring->waiting(), 1u);
        ASSERT_TRUE(driver->add({{kData + 16, 16}}, 100));
        EXPECT_EQ(ring->waiting(), 2u);
        for (unsigned left = 2; left-- > 0;) {
            ASSERT_TRUE(pop());
            EXPECT_EQ(ring->waiting(), left);
            ring->push(chain, 0);
            ASSERT_TRUE(driver->take());
        }
    }
}

TEST_P(RingTest, DataCrossRegionsThatOnlyTheGuestSeesTogether) {
    const std::uint64_t edge = TestRam::kRegion;
    ASSERT_TRUE(driver->add({{edge - 5, 10}, {edge - 3, 6, true}}, 1));
    ram.put(edge - 5, "helloworld");
    ASSERT_TRUE(pop());
    std::string text(10, 0);
    EXPECT_EQ(read(ram.memory(), chain.readable(), 0, std::as_writable_bytes(std::span(text))),
              10u);
    EXPECT_EQ(text, "helloworld");
    std::vector<iovec> pieces;
    EXPECT_TRUE(map(ram.memory(), chain.readable(), 1, 9, pieces));
    EXPECT_THAT(pieces, SizeIs(2));
    EXPECT_FALSE(map(ram.memory(), chain.readable(), 1, 10, pieces));
    EXPECT_EQ(write(ram.memory(), chain.writable(), 1, std::as_bytes(std::span("wxyz12", 6))), 5u);
    EXPECT_EQ(ram.text(edge - 2, 5), "wxyz1");
}

// Any order, many turns of the ring, with a position that is carried now and then as an update
// would.
TEST_P(RingTest, ManyRequestsComeBackOnceEachInAnyOrder) {
    std::mt19937 random(7);
    std::vector<Chain> held;
    std::map<std::uint16_t, std::uint32_t> sent, back;
    std::uint16_t token = 0;
    for (int step = 0; step < 20000; ++step) {
        const unsigned what = random() % 4;
        if (what == 0) {
            std::vector<Buffer> buffers(1 + random() % 3, {kData, 1u + token});
            if (driver->add(buffers, token))
                sent[token++] = static_cast<std::uint32_t>(buffers.size());
        } else if (what == 1 && pop()) {
            held.push_back(chain);
        } else if (what == 2 && !held.empty()) {
            const auto n = static_cast<std::ptrdiff_t>(random() % held.size());
            ring->push(
                held[static_cast<std::size_t>(n)],
                static_cast<std::uint32_t>(held[static_cast<std::size_t>(n)].readable().size()));
            held.erase(held.begin() + n);
        } else if (const auto used = driver->take()) {
            EXPECT_TRUE(back.emplace(used->token, used->written).second);
            EXPECT_EQ(sent.at(used->token), used->written);
            if (token > 20000)
                break;
        }
        if (step % 97 == 0 && held.empty())
            ring = open(ring->position());
    }
    for (const Chain& c : held)
        ring->push(c, static_cast<std::uint32_t>(c.readable().size()));
    while (pop())
        ring->push(chain, static_cast<std::uint32_t>(chain.readable().size()));
    while (const auto used = driver->take())
        back.emplace(used->token, used->written);
    EXPECT_EQ(back, sent);
    EXPECT_GT(sent.size(), 1000u);
}

TEST_P(RingTest, InterruptsAreRaisedWhereTheDriverAsks) {
    const auto round = [&](int requests) {
        for (int i = 0; i < requests; ++i)
            EXPECT_TRUE(driver->add({{kData, 1}}, 1));
        while (pop())
            ring->push(chain, 0);
        const bool wanted = ring->wants_interrupt();
        while (driver->take())
            continue;
        return wanted;
    };
    EXPECT_FALSE(ring->wants_interrupt()); // nothing was pushed
    for (int turn = 0; turn < 30; ++turn) {
        driver->ask(true);
        EXPECT_TRUE(round(1)) << turn;
        EXPECT_FALSE(ring->wants_interrupt());
        driver->ask(true);
        EXPECT_TRUE(round(3)) << turn;
        driver->ask(false);
        EXPECT_FALSE(round(2)) << turn;
        EXPECT_EQ(round(1), false) << turn;
    }
}

TEST_P(RingTest, TheDriverTellsWhereTheDeviceListens) {
    for (int turn = 0; turn < 30; ++turn) {
        EXPECT_FALSE(ring->listen(true));
        EXPECT_TRUE(driver->add({{kData, 1}}, 1));
        EXPECT_TRUE(driver->must_notify()) << turn;
        EXPECT_TRUE(ring->listen(false));
        if (!GetParam().event_index || turn == 0) {
            EXPECT_TRUE(driver->add({{kData, 1}}, 1));
            EXPECT_FALSE(driver->must_notify()) << turn;
        }
        EXPECT_TRUE(ring->listen(true));
        while (pop())
            ring->push(chain, 0);
        while (driver->take())
            continue;
    }
}

TEST_P(RingTest, SeveralComeBackAtOnce) {
    std::uint16_t token = 0;
    for (int turn = 0; turn < 20; ++turn) { // over the ring's end, too
        std::vector<Filled> filled;
        for (const unsigned buffers : {1u, 2u, 1u}) {
            ASSERT_TRUE(driver->add(std::vector<Buffer>(buffers, {kData, 8, true}), token++));
            ASSERT_TRUE(pop());
            filled.push_back({chain, static_cast<std::uint32_t>(filled.size() + 1)});
        }
        driver->ask(true);
        ring->push(filled);
        EXPECT_TRUE(ring->wants_interrupt());
        for (std::uint16_t i = 0; i < 3; ++i)
            EXPECT_EQ(driver->take(), (Used{static_cast<std::uint16_t>(token - 3 + i), i + 1u}));
        EXPECT_FALSE(driver->take());
    }
    ring->push(std::span<const Filled>());
    EXPECT_FALSE(ring->wants_interrupt());
}

TEST_P(RingTest, WhatIsNotUsedIsAvailableAgain) {
    for (int turn = 0; turn < 20; ++turn) {
        ASSERT_TRUE(driver->add({{kData, 1}}, 1));
        ASSERT_TRUE(driver->add({{kData, 2}, {kData, 3, true}}, 2));
        const RingPosition before = ring->position();
        ASSERT_TRUE(pop());
        const Chain first = chain;
        ASSERT_TRUE(pop());
        ring->untake(chain);
        ring->untake(first);
        EXPECT_EQ(ring->position(), before);
        for (const std::uint16_t token : {1, 2}) {
            ASSERT_TRUE(pop());
            ring->push(chain, token);
            EXPECT_EQ(driver->take(), (Used{token, token}));
        }
    }
}

TEST_P(RingTest, AFullRingIsNoMistake) {
    int n = 0;
    while (driver->add({{kData, 1}}, 1))
        ++n;
    EXPECT_EQ(n, kPlace.size);
    int popped = 0;
    while (pop())
        ++popped;
    EXPECT_EQ(popped, n);
}

} // namespace
} // namespace segue::vmm::virtio

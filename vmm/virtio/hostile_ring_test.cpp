// SPDX-License-Identifier: Apache-2.0
// Rings that no driver should make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/virtio/ring.hpp"
#include "vmm/virtio/test_ram.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {
namespace {

using testing::HasSubstr;

constexpr RingPlace kPlace = {8, 0x1000, 0x2000, 0x3000};
constexpr std::uint64_t kData = 0x20000;
constexpr std::uint16_t kNext = VRING_DESC_F_NEXT, kWrite = VRING_DESC_F_WRITE,
                        kIndirect = VRING_DESC_F_INDIRECT, kAvail = 0x80;

std::string failure(Result<bool> r) {
    return r ? (*r ? "popped" : "nothing") : std::move(r).error().what();
}

class HostileSplit : public testing::Test {
protected:
    void descriptor(std::uint64_t index, const vring_desc& d, std::uint64_t table = 0x1000) {
        ram.poke(table + 16 * index, d);
    }
    void offer(std::uint16_t head, std::uint16_t index = 1) {
        ram.poke<std::uint16_t>(kPlace.driver + 4, head);
        ram.poke<std::uint16_t>(kPlace.driver + 2, index);
    }
    std::string pop(bool indirect = true) {
        auto ring = make_ring(ram.memory(), kPlace, {false, indirect, false}, {}).value();
        Chain chain;
        const std::string said = failure(ring->pop(chain));
        EXPECT_EQ(ring->position().next_avail, said == "popped" ? 1 : 0);
        return said;
    }
    TestRam ram;
};

TEST_F(HostileSplit, MoreAvailableThanPlaces) {
    descriptor(0, {kData, 1, 0, 0});
    offer(0, 8);
    EXPECT_EQ(pop(), "popped");
    offer(0, 9);
    EXPECT_THAT(pop(), HasSubstr("more available"));
    offer(0, 0xffff);
    EXPECT_THAT(pop(), HasSubstr("more available"));
}

TEST_F(HostileSplit, DescriptorsThatThereAreNot) {
    offer(8);
    EXPECT_THAT(pop(), HasSubstr("does not have"));
    descriptor(0, {kData, 1, kNext, 8});
    offer(0);
    EXPECT_THAT(pop(), HasSubstr("does not have"));
}

TEST_F(HostileSplit, Loops) {
    descriptor(0, {kData, 1, kNext, 1});
    descriptor(1, {kData, 1, kNext, 0});
    offer(0);
    EXPECT_THAT(pop(), HasSubstr("loop"));
    descriptor(0, {kData, 1, kNext, 0});
    EXPECT_THAT(pop(), HasSubstr("loop"));
}

TEST_F(HostileSplit, AddressesOutsideRam) {
    for (const vring_desc& d :
         {vring_desc{TestRam::kBytes, 1, 0, 0}, vring_desc{TestRam::kBytes - 1, 2, 0, 0},
          vring_desc{~0ull, 1, 0, 0}, vring_desc{~0ull - 1, 0xffffffff, 0, 0},
          vring_desc{0, 0xffffffff, kWrite, 0}}) {
        descriptor(0, d);
        offer(0);
        EXPECT_THAT(pop(), HasSubstr("not in RAM"));
    }
    descriptor(0, {TestRam::kBytes - 2, 2, 0, 0});
    EXPECT_EQ(pop(), "popped");
}

TEST_F(HostileSplit, EmptyBuffersAndWrongOrder) {
    descriptor(0, {kData, 0, 0, 0});
    offer(0);
    EXPECT_THAT(pop(), HasSubstr("empty"));
    descriptor(0, {kData, 1, kNext | kWrite, 1});
    descriptor(1, {kData, 1, 0, 0});
    EXPECT_THAT(pop(), HasSubstr("behind a writable"));
}

TEST_F(HostileSplit, IndirectTables) {
    const auto with = [&](const vring_desc& d) {
        descriptor(0, d);
        offer(0);
        return pop();
    };
    descriptor(0, {kData, 1, 0, 0}, 0x8000);
    EXPECT_EQ(with({0x8000, 16, kIndirect, 0}), "popped");
    EXPECT_THAT(with({0x8000, 0, kIndirect, 0}), HasSubstr("wrong length"));
    EXPECT_THAT(with({0x8000, 17, kIndirect, 0}), HasSubstr("wrong length"));
    EXPECT_THAT(with({0x8000, 16, kIndirect | kNext, 1}), HasSubstr("where none may be"));
    EXPECT_THAT(with({TestRam::kBytes, 16, kIndirect, 0}), HasSubstr("not in RAM"));
    EXPECT_THAT(with({~0ull - 7, 16, kIndirect, 0}), HasSubstr("not in RAM"));
    descriptor(0, {0x8000, 16, kIndirect, 0});
    EXPECT_THAT(pop(false), HasSubstr("where none may be"));
    descriptor(0, {0x9000, 16, kIndirect, 0}, 0x8000); // in an indirect one
    EXPECT_THAT(pop(), HasSubstr("where none may be"));
    descriptor(0, {kData, 1, kNext, 0}, 0x8000);
    EXPECT_THAT(pop(), HasSubstr("loop"));
    descriptor(0, {kData, 1, kNext, 1}, 0x8000);
    EXPECT_THAT(pop(), HasSubstr("does not have"));
    descriptor(1, {0x8000, 16, kIndirect, 0}); // behind an ordinary one: allowed
    descriptor(0, {kData, 1, 0, 0}, 0x8000);
    EXPECT_EQ(with({kData, 1, kNext, 1}), "popped");
}

TEST_F(HostileSplit, LongChainsHaveABound) {
    const std::uint32_t n = 2000;
    for (std::uint32_t i = 0; i < n; ++i)
        descriptor(i, {kData, 1, kNext, static_cast<std::uint16_t>(i + 1)}, 0x40000);
    descriptor(0, {0x40000, 16 * n, kIndirect, 0});
    offer(0);
    EXPECT_THAT(pop(), HasSubstr("more than 1024"));
}

TEST_F(HostileSplit, PlacesThatCannotBe) {
    const auto made = [&](RingPlace place, bool packed = false) {
        return make_ring(ram.memory(), place, {packed, false, false},
                         first_position({packed, false, false}))
            .code();
    };
    EXPECT_EQ(made({8, 0x1000, 0x2000, 0x3000}), Code::Ok);
    EXPECT_EQ(made({0, 0x1000, 0x2000, 0x3000}), Code::Invalid);
    EXPECT_EQ(made({7, 0x1000, 0x2000, 0x3000}), Code::Invalid);
    EXPECT_EQ(made({7, 0x1000, 0x2000, 0x3000}, true), Code::Ok);
    EXPECT_EQ(made({0x8001, 0x1000, 0x2000, 0x3000}, true), Code::Invalid);
    EXPECT_EQ(made({8, 0x1008, 0x2000, 0x3000}), Code::Invalid);
    EXPECT_EQ(made({8, 0x1000, 0x2001, 0x3000}), Code::Invalid);
    EXPECT_EQ(made({8, 0x1000, 0x2000, 0x3002}), Code::Invalid);
    EXPECT_EQ(made({8, 0x1000, 0x2002, 0x3000}, true), Code::Invalid);
    EXPECT_EQ(made({8, TestRam::kBytes - 16, 0x2000, 0x3000}), Code::Invalid);
    EXPECT_EQ(made({8, 0x1000, ~0ull - 1, 0x3000}), Code::Invalid);
    EXPECT_EQ(made({8, 0x1000, 0x2000, TestRam::kBytes - 64}), Code::Invalid);
    EXPECT_EQ(make_ring(ram.memory(), kPlace, {true, false, false}, {8, 0}).code(), Code::Invalid);
}

class HostilePacked : public testing::Test {
protected:
    void descriptor(std::uint64_t index, std::uint64_t at, std::uint32_t bytes, std::uint16_t flags,
                    std::uint64_t table = 0x1000) {
        ram.poke(table + 16 * index, vring_packed_desc{at, bytes, 5, flags});
    }
    std::string pop(bool indirect = true) {
        const RingFeatures features = {true, indirect, false};
        auto ring = make_ring(ram.memory(), kPlace, features, first_position(features)).value();
        Chain chain;
        const std::string said = failure(ring->pop(chain));
        EXPECT_EQ(ring->position() == first_position(features), said != "popped");
        return said;
    }
    TestRam ram;
};

TEST_F(HostilePacked, AChainWithoutAnEnd) {
    for (unsigned i = 0; i < 8; ++i)
        descriptor(i, kData, 1, kAvail | kNext);
    EXPECT_THAT(pop(), HasSubstr("without an end"));
    descriptor(7, kData, 1, kAvail);
    EXPECT_EQ(pop(), "popped");
}

TEST_F(HostilePacked, BuffersThatCannotBe) {
    descriptor(0, TestRam::kBytes, 1, kAvail);
    EXPECT_THAT(pop(), HasSubstr("not in RAM"));
    descriptor(0, ~0ull, 0xffffffff, kAvail);
    EXPECT_THAT(pop(), HasSubstr("not in RAM"));
    descriptor(0, kData, 0, kAvail);
    EXPECT_THAT(pop(), HasSubstr("empty"));
    descriptor(0, kData, 1, kAvail | kNext | kWrite);
    descriptor(1, kData, 1, kAvail);
    EXPECT_THAT(pop(), HasSubstr("behind a writable"));
}

TEST_F(HostilePacked, IndirectTables) {
    descriptor(0, kData, 1, 0, 0x8000);
    descriptor(0, 0x8000, 16, kAvail | kIndirect);
    EXPECT_EQ(pop(), "popped");
    EXPECT_THAT(pop(false), HasSubstr("where none may be"));
    descriptor(0, 0x8000, 15, kAvail | kIndirect);
    EXPECT_THAT(pop(), HasSubstr("wrong length"));
    descriptor(0, 0x8000, 16, kAvail | kIndirect | kNext);
    EXPECT_THAT(pop(), HasSubstr("where none may be"));
    descriptor(0, kData, 1, kAvail | kNext);
    descriptor(1, 0x8000, 16, kAvail | kIndirect);
    EXPECT_THAT(pop(), HasSubstr("where none may be"));
    descriptor(0, TestRam::kBytes - 8, 16, kAvail | kIndirect);
    EXPECT_THAT(pop(), HasSubstr("not in RAM"));
    for (unsigned i = 0; i < 1100; ++i)
        descriptor(i, kData, 1, 0, 0x40000);
    descriptor(0, 0x40000, 16 * 1100, kAvail | kIndirect);
    EXPECT_THAT(pop(), HasSubstr("more than 1024"));
    descriptor(0, 0, 0xfffffff0, kAvail | kIndirect);
    EXPECT_THAT(pop(), testing::AnyOf(HasSubstr("empty"), HasSubstr("not in RAM"),
                                      HasSubstr("more than 1024"), HasSubstr("behind")));
}

} // namespace
} // namespace segue::vmm::virtio

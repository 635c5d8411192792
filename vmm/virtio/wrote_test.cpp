// SPDX-License-Identifier: Apache-2.0
// What a device writes to guest RAM is said to whoever copies it, and when.
#include <gtest/gtest.h>

#include <set>

#include "vmm/virtio/driver_ring.hpp"
#include "vmm/virtio/queue.hpp"

namespace segue::vmm::virtio {
namespace {

using Pages = std::set<std::uint64_t>;

constexpr RingPlace kPlace = {8, 0x1000, 0x2000, 0x3000};
constexpr std::uint64_t kBuffer = 0x20800; // two pages of it
constexpr std::uint64_t kFar = TestRam::kRegion - 16;

class Wrote : public testing::TestWithParam<bool> {
protected:
    Wrote() {
        driver_ = make_driver(ram_, kPlace, features_, 0x4000);
        queue_.set(kPlace);
        EXPECT_TRUE(queue_.enable(memory_, features_));
        EXPECT_TRUE(driver_->add({{0x30000, 16}, {kBuffer, 4096, true}, {kFar, 32, true}}, 1));
        EXPECT_TRUE(queue_.pop(chain_).value());
        ram_.ram().written().on();
    }
    // By number of the page, over both regions.
    Pages marked() {
        Pages pages;
        WrittenPages& written = ram_.ram().written();
        for (std::size_t region = 0; region < 2; ++region)
            for (std::size_t word = 0; word < TestRam::kRegion / 4096 / 64; ++word)
                for (std::uint64_t bits = written.take(region, word); bits != 0; bits &= bits - 1)
                    pages.insert(region * (TestRam::kRegion / 4096) + word * 64 +
                                 static_cast<std::uint64_t>(std::countr_zero(bits)));
        return pages;
    }
    static constexpr std::uint64_t kFarPage = kFar / 4096;
    std::uint64_t ring_page() const {
        return (GetParam() ? kPlace.descriptors : kPlace.device) / 4096;
    }

    TestRam ram_;
    const Memory memory_ = ram_.memory();
    const RingFeatures features_ = {GetParam(), false, false};
    std::unique_ptr<DriverRing> driver_;
    Queue queue_{8, memory_};
    Chain chain_;
};

INSTANTIATE_TEST_SUITE_P(Rings, Wrote, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Packed" : "Split"; });

TEST_P(Wrote, BuffersAndRingWhenTheChainGoesBack) {
    EXPECT_EQ(marked(), Pages()) << "nothing was written by taking it";
    queue_.push(chain_, 1); // whatever the driver is told of it
    EXPECT_EQ(marked(), (Pages{ring_page(), 0x20, 0x21, kFarPage, kFarPage + 1}));
    EXPECT_EQ(marked(), Pages());
}

TEST_P(Wrote, OfSeveralThatGoBackAtOnce) {
    const std::vector<Filled> filled = {{chain_, 1}};
    queue_.push(filled);
    EXPECT_EQ(marked(), (Pages{ring_page(), 0x20, 0x21, kFarPage, kFarPage + 1}));
}

TEST_P(Wrote, BuffersOfARequestThatTheDriversResetFoundInFlight) {
    queue_.close();
    queue_.push(chain_, 1);
    EXPECT_EQ(marked(), (Pages{0x20, 0x21, kFarPage, kFarPage + 1}));
}

TEST_P(Wrote, NothingWhileNobodyCopies) {
    ram_.ram().written().off();
    queue_.push(chain_, 1);
    (void)queue_.listen(true);
    EXPECT_EQ(marked(), Pages());
}

} // namespace
} // namespace segue::vmm::virtio

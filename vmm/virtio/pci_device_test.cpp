// SPDX-License-Identifier: Apache-2.0
// A virtio device and its driver, by registers, rings and interrupts.
#include "vmm/virtio/pci_device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include <segue/cpp/sys.hpp>

#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm::virtio {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::uint64_t kData = 0x40000;

// Two queues; each request is written back to where it says, upside down in case. A held one is in
// flight until it is let go.
class Echo final : public Model {
public:
    explicit Echo(std::uint64_t features = 1)
        : event_(sys::event().value()) {
        facts_ = {"virtio-echo", "echo0", 1, 42, 0x00ff00, features, {64, 64}};
    }
    const ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override {
        for (std::size_t i = 0; i < data.size(); ++i)
            data[i] = static_cast<std::byte>(at + i);
    }
    Result<bool> serve(unsigned index, std::span<Queue> queues, const Memory& memory) override {
        return queues[index].drain([] { return true; },
                                   [&](Chain chain) -> Status {
                                       taken.push_back({index, std::move(chain)});
                                       ++served;
                                       if (!hold)
                                           finish(queues, memory);
                                       return {};
                                   });
    }
    int event() const override { return event_.get(); }
    void finish(std::span<Queue> queues, const Memory& memory) override {
        sys::clear_event(event_.get());
        if (hold)
            return;
        for (auto& [index, chain] : taken) {
            std::vector<std::byte> data(chain.readable_bytes());
            (void)read(memory, chain.readable(), 0, data);
            for (std::byte& b : data)
                b ^= std::byte{0x20};
            const auto n = write(memory, chain.writable(), 0, data);
            queues[index].push(chain, static_cast<std::uint32_t>(n));
        }
        taken.clear();
    }
    std::size_t in_flight() const override { return taken.size(); }
    void reset() noexcept override { ++resets; }
    void let_go() {
        hold = false;
        sys::signal_event(event_.get());
    }
    std::atomic<bool> hold = false;
    std::atomic<int> resets = 0;
    std::atomic<int> served = 0;

private:
    struct Taken {
        unsigned index;
        Chain chain;
    };
    ModelFacts facts_;
    UniqueFd event_;
    std::vector<Taken> taken;
};

struct Side {
    explicit Side(TestRam& ram, std::uint64_t features = 1)
        : Side(ram, std::make_unique<Echo>(features)) {}
    Side(TestRam& ram, std::unique_ptr<Echo> model)
        : echo(*model)
        , m(ram, std::move(model)) {}
    Echo& echo;
    TestMachine m;
};

class VirtioPci : public testing::TestWithParam<RingFeatures> {
protected:
    void bring_up(Side& s, bool intx = false) {
        s.m.device().activate();
        s.m.bring_up(bits_of(GetParam()), 8, intx);
        for (unsigned q = 0; q < 2; ++q)
            driver[q] =
                make_driver(ram, TestMachine::place(q, 8), GetParam(), TestMachine::tables(q));
    }
    void send(unsigned queue, std::uint16_t token) {
        const std::uint64_t at = kData + 64ull * token;
        ram.put(at, "request");
        ASSERT_TRUE(driver[queue]->add({{at, 7}, {at + 32, 8, true}}, token));
    }
    bool comes_back(unsigned queue, std::uint16_t token) {
        std::optional<Used> used;
        if (!soon([&] { return (used = driver[queue]->take()).has_value(); }))
            return false;
        return *used == Used{token, 7} && ram.text(kData + 64ull * token + 32, 7) == "REQUEST";
    }
    TestRam ram;
    std::unique_ptr<DriverRing> driver[2];
};

INSTANTIATE_TEST_SUITE_P(Rings, VirtioPci,
                         testing::Values(RingFeatures{false, false, false},
                                         RingFeatures{false, true, true},
                                         RingFeatures{true, false, true},
                                         RingFeatures{true, true, false}));

TEST_P(VirtioPci, ServesADriver) {
    Side s(ram);
    bring_up(s);
    EXPECT_EQ(s.m.status(), 0xf);
    for (std::uint16_t i = 0; i < 40; ++i) {
        driver[i % 2]->ask(true);
        send(i % 2, i);
        if (driver[i % 2]->must_notify())
            s.m.notify(i % 2);
        EXPECT_TRUE(comes_back(i % 2, i)) << i;
        EXPECT_TRUE(soon([&] { return s.m.host.sent(TestMachine::kMessage + i % 2) != 0; })) << i;
        (void)s.m.host.take();
    }
}

TEST_P(VirtioPci, InterruptsByTheWire) {
    Side s(ram);
    bring_up(s, true);
    send(1, 3);
    s.m.notify(1);
    EXPECT_TRUE(comes_back(1, 3));
    EXPECT_TRUE(soon([&] { return s.m.host.intx(TestMachine::kSlot); }));
    EXPECT_EQ(s.m.in<std::uint8_t>(VIRTIO_PCI_CAP_ISR_CFG, 0), 1);
    EXPECT_FALSE(s.m.host.intx(TestMachine::kSlot));
    EXPECT_EQ(s.m.in<std::uint8_t>(VIRTIO_PCI_CAP_ISR_CFG, 0), 0);
    EXPECT_TRUE(s.m.host.take().empty());
}

TEST_P(VirtioPci, ABrokenRingAsksForAReset) {
    Side s(ram);
    bring_up(s);
    ASSERT_TRUE(driver[0]->add({{~0ull - 100, 50}}, 1));
    s.m.notify(0);
    EXPECT_TRUE(soon([&] { return (s.m.status() & VIRTIO_CONFIG_S_NEEDS_RESET) != 0; }));
    EXPECT_TRUE(soon([&] { return s.m.host.sent(TestMachine::kConfigMessage) == 1; }));
    send(1, 2); // nothing is served any more
    s.m.notify(1);
    ASSERT_TRUE(s.m.device().settle(Deadline::in(10s)).ok());
    s.m.device().activate();
    ASSERT_TRUE(s.m.device().settle(Deadline::in(10s)).ok());
    EXPECT_FALSE(driver[1]->take());

    ram.fill(0x1000, 0x8000, 0);
    bring_up(s);
    send(0, 5);
    s.m.notify(0);
    EXPECT_TRUE(comes_back(0, 5));
    EXPECT_EQ(s.m.status(), 0xf);
}

// Requests available, in flight and given back at the hand-over, round after round: each comes back
// once.
TEST_P(VirtioPci, NoRequestIsLostOrDoneTwiceInAnUpdate) {
    auto side = std::make_unique<Side>(ram);
    bring_up(*side);
    std::uint16_t token = 0;
    std::multiset<std::uint16_t> sent, back;
    const auto drain = [&](unsigned q) {
        while (const auto used = driver[q]->take())
            back.insert(used->token);
    };
    for (int round = 0; round < 20; ++round) {
        side->echo.hold = round % 2 == 1;
        const int before = side->echo.served;
        for (int i = 0; i < 2; ++i) {
            send(static_cast<unsigned>(round % 2), token);
            sent.insert(token++);
        }
        side->m.notify(static_cast<unsigned>(round % 2));
        auto next = std::make_unique<Side>(ram);
        if (side->echo.hold) {
            EXPECT_TRUE(soon([&] { return side->echo.served == before + 2; }));
            EXPECT_EQ(side->m.device().settle(Deadline::in(10ms)).code(), Code::Deadline);
            side->m.device().activate();
            side->echo.let_go();
        }
        EXPECT_TRUE(side->m.device().settle(Deadline::in(10s)).ok());
        send(1, token); // settled, the guest runs on: the ring fills
        sent.insert(token++);
        side->m.notify(1);
        side->m.hand_over(next->m);
        side = std::move(next);
        EXPECT_TRUE(soon([&] {
            drain(0), drain(1);
            return back.size() == sent.size();
        })) << round;
        EXPECT_GE(side->m.host.sent(TestMachine::kMessage), 1u); // told again of queue 0, too
        EXPECT_GE(side->m.host.sent(TestMachine::kMessage + 1), 1u);
    }
    EXPECT_EQ(back, sent);
}

TEST_P(VirtioPci, AnInterruptThatIsMaskedSurvivesAnUpdate) {
    Side old(ram), next(ram);
    bring_up(old);
    old.m.mask(1, true);
    send(0, 1);
    old.m.notify(0);
    EXPECT_TRUE(comes_back(0, 1));
    old.m.hand_over(next.m);
    EXPECT_EQ(next.m.host.sent(TestMachine::kMessage), 0u);
    next.m.mask(1, false);
    EXPECT_EQ(next.m.host.sent(TestMachine::kMessage), 1u);
}

TEST_P(VirtioPci, ARollbackGoesOnAsBefore) {
    Side s(ram);
    bring_up(s);
    for (std::uint16_t i = 0; i < 10; ++i) {
        ASSERT_TRUE(s.m.device().settle(Deadline::in(10s)).ok());
        send(0, i);
        s.m.notify(0);
        (void)s.m.saved();
        EXPECT_FALSE(driver[0]->take());
        s.m.device().activate();
        EXPECT_TRUE(comes_back(0, i));
    }
}

TEST_P(VirtioPci, AResetWaitsForWhatIsInFlight) {
    Side s(ram);
    bring_up(s);
    s.echo.hold = true;
    send(0, 1);
    s.m.notify(0);
    EXPECT_TRUE(soon([&] { return s.echo.served == 1; }));
    EXPECT_EQ(s.m.device().settle(Deadline::in(10ms)).code(), Code::Deadline);
    s.m.device().activate();
    const int before = s.echo.resets;
    s.m.set_status(0);
    EXPECT_NE(s.m.status(), 0); // the host may still write to the guest
    s.echo.let_go();
    EXPECT_TRUE(soon([&] { return s.m.status() == 0; }));
    EXPECT_EQ(s.echo.resets, before + 1);
    EXPECT_FALSE(driver[0]->take()); // nothing is put into a ring that is no more
    s.m.set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SELECT, 0);
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SIZE), 64);
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_MSIX), kNoVector);
}

class VirtioRegisters : public testing::Test {
protected:
    TestRam ram;
    Side s{ram};
};

TEST_F(VirtioRegisters, FeaturesAreNegotiated) {
    const auto offered = [&](std::uint32_t half) {
        s.m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_DFSELECT, half);
        return s.m.common<std::uint32_t>(VIRTIO_PCI_COMMON_DF);
    };
    EXPECT_EQ(offered(0), 0x30000001u); // the model's, indirect, event index
    EXPECT_EQ(offered(1), 0x5u);        // version 1, packed
    EXPECT_EQ(offered(2), 0u);
    s.m.set_status(3);
    const auto accept = [&](std::uint32_t low, std::uint32_t high) {
        s.m.set_status(0);
        s.m.set_status(3);
        s.m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, 0);
        s.m.set_common(VIRTIO_PCI_COMMON_GF, low);
        s.m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, 1);
        s.m.set_common(VIRTIO_PCI_COMMON_GF, high);
        s.m.set_status(0xf);
        return s.m.status();
    };
    EXPECT_EQ(accept(1, 1), 0xf);
    EXPECT_EQ(accept(1, 0), 0x3); // a legacy driver
    EXPECT_EQ(accept(2, 1), 0x3); // was not offered
    EXPECT_EQ(accept(0, 5), 0xf);
    s.m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GF, 1); // too late
    EXPECT_EQ(s.m.common<std::uint32_t>(VIRTIO_PCI_COMMON_GF), 5u);
}

std::uint64_t offered(TestMachine& m) {
    std::uint64_t features = 0;
    for (const std::uint32_t half : {1u, 0u}) {
        m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_DFSELECT, half);
        features = features << 32 | m.common<std::uint32_t>(VIRTIO_PCI_COMMON_DF);
    }
    return features;
}

// Through updates, too: a later generation that could offer packed rings does not, and one that
// does not offer them cannot have a guest to which they were offered.
TEST(VirtioOffer, WithoutPackedRingsTheGuestHasSplitOnes) {
    constexpr std::uint64_t packed = 1ull << VIRTIO_F_RING_PACKED;
    TestRam ram;
    TestMachine m(ram, std::make_unique<Echo>(), {.packed = false});
    EXPECT_EQ(offered(m), (1ull << 32) + 0x30000001u);
    m.set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
    m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, 1);
    m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GF, 5); // packed all the same
    m.set_status(0xf);
    EXPECT_EQ(m.status() & VIRTIO_CONFIG_S_FEATURES_OK, 0);
    m.bring_up(kVersion1);
    TestMachine later(ram, std::make_unique<Echo>());
    EXPECT_NE(offered(later) & packed, 0u);
    m.hand_over(later);
    EXPECT_EQ(offered(later) & packed, 0u);
    later.set_status(0); // the guest resets the device: not a power-on
    EXPECT_EQ(offered(later) & packed, 0u);

    TestMachine with(ram, std::make_unique<Echo>());
    TestMachine without(ram, std::make_unique<Echo>(), {.packed = false});
    ASSERT_TRUE(with.device().settle(Deadline::in(10s)).ok());
    EXPECT_EQ(without.load(with.saved()).code(), Code::Unsupported);
}

TEST_F(VirtioRegisters, QueuesAreSetUpOnce) {
    s.m.bring_up(kVersion1);
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_NUMQ), 2);
    s.m.set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SELECT, 1);
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_NOFF), 1);
    EXPECT_EQ(s.m.common<std::uint64_t>(VIRTIO_PCI_COMMON_Q_DESCLO), 0x5000u);
    s.m.set_common<std::uint64_t>(VIRTIO_PCI_COMMON_Q_DESCLO, 0);
    s.m.set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SIZE, 4);
    EXPECT_EQ(s.m.common<std::uint32_t>(VIRTIO_PCI_COMMON_Q_DESCLO), 0x5000u);
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SIZE), 8);
    s.m.set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_MSIX, 3); // there are 3: 0, 1, 2
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_MSIX), kNoVector);
    s.m.set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SELECT, 2); // no such queue
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SIZE), 0);
    s.m.set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_ENABLE, 1);
}

TEST_F(VirtioRegisters, AQueueOutsideRamNeedsAReset) {
    s.m.set_status(3);
    s.m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, 1);
    s.m.set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GF, 1);
    s.m.set_status(0xb);
    s.m.set_common<std::uint64_t>(VIRTIO_PCI_COMMON_Q_DESCLO, TestRam::kBytes);
    s.m.set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_ENABLE, 1);
    EXPECT_EQ(s.m.common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_ENABLE), 0);
    EXPECT_EQ(s.m.status(), 0xb | VIRTIO_CONFIG_S_NEEDS_RESET);
}

TEST_F(VirtioRegisters, TheWindowReachesTheBar) {
    const unsigned data = s.m.window + sizeof(virtio_pci_cap);
    s.m.set_config<std::uint32_t>(s.m.window + VIRTIO_PCI_CAP_OFFSET, 0x2004);
    s.m.set_config<std::uint32_t>(s.m.window + VIRTIO_PCI_CAP_LENGTH, 4);
    EXPECT_EQ(s.m.config<std::uint32_t>(data), 0x07060504u); // device configuration
    s.m.set_config<std::uint32_t>(s.m.window + VIRTIO_PCI_CAP_OFFSET, VIRTIO_PCI_COMMON_STATUS);
    s.m.set_config<std::uint32_t>(s.m.window + VIRTIO_PCI_CAP_LENGTH, 1);
    s.m.set_config<std::uint8_t>(data, 3);
    EXPECT_EQ(s.m.status(), 3);
    EXPECT_EQ(s.m.config<std::uint8_t>(data), 3);
    for (const std::uint32_t bad : {0u, 3u, 8u, 0xffffffffu}) {
        s.m.set_config<std::uint32_t>(s.m.window + VIRTIO_PCI_CAP_LENGTH, bad);
        EXPECT_EQ(s.m.config<std::uint32_t>(data), 0u) << bad;
    }
    s.m.set_config<std::uint32_t>(s.m.window + VIRTIO_PCI_CAP_LENGTH, 4);
    s.m.set_config<std::uint32_t>(s.m.window + VIRTIO_PCI_CAP_OFFSET, 0xfffffffc);
    EXPECT_EQ(s.m.config<std::uint32_t>(data), 0u);
}

TEST_F(VirtioRegisters, DoorbellsFollowTheBar) {
    const std::uint64_t home = pci::Endpoint::bar_window(TestMachine::kSlot);
    EXPECT_EQ(s.m.host.doorbells().size(), 2u);
    EXPECT_EQ(s.m.host.doorbells().begin()->first, home + 0x3000);
    s.m.set_config<std::uint32_t>(PCI_BASE_ADDRESS_0, 0xd0000000);
    EXPECT_EQ(s.m.host.doorbells().size(), 2u);
    EXPECT_EQ(s.m.host.doorbells().begin()->first, 0xd0003000u);
    s.m.set_config<std::uint16_t>(PCI_COMMAND, 0);
    EXPECT_TRUE(s.m.host.doorbells().empty());
}

TEST_F(VirtioRegisters, AGuestsFeaturesThatAreLackingAreNamed) {
    s.m.bring_up(kVersion1 | 1);
    Side next(ram, 0);
    const Status loaded = next.m.load(s.m.saved());
    ASSERT_EQ(loaded.code(), Code::Unsupported);
    EXPECT_THAT(loaded.error().what(), HasSubstr("echo0"));
}

// Anything at any place: the VMM stands, and a driver that then keeps the rules is served.
TEST_F(VirtioRegisters, AnythingMayBeWrittenAnywhere) {
    s.m.device().activate();
    std::mt19937_64 random(3);
    const std::uint64_t home = pci::Endpoint::bar_window(TestMachine::kSlot);
    for (int i = 0; i < 30000; ++i) {
        const std::uint64_t value = random() % 3 == 0 ? random() : random() % 0x1000;
        const auto data = std::as_bytes(std::span(&value, 1)).first(1u << random() % 4);
        if (random() % 8 == 0 && data.size() <= 4)
            s.m.device().write_config(static_cast<std::uint16_t>(random() % 0x110), data);
        else
            s.m.bus.write(home + (random() % 2 == 0 ? random() % 0x40 : random() % 0x8000), data);
        if (random() % 64 == 0) {
            s.m.set_config<std::uint32_t>(PCI_BASE_ADDRESS_0, static_cast<std::uint32_t>(home));
            s.m.set_config<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
        }
    }
    s.m.set_config<std::uint32_t>(PCI_BASE_ADDRESS_0, static_cast<std::uint32_t>(home));
    s.m.set_config<std::uint32_t>(PCI_BASE_ADDRESS_1, 0);
    s.m.set_config<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
    s.m.set_status(0);
    ASSERT_TRUE(soon([&] { return s.m.status() == 0; }));
    auto driver = make_driver(ram, TestMachine::place(0, 8), {}, 0);
    ram.fill(0x1000, 0x8000, 0);
    s.m.bring_up(kVersion1);
    ASSERT_TRUE(driver->add({{kData, 1}, {kData + 1, 1, true}}, 9));
    s.m.notify(0);
    std::optional<Used> used;
    EXPECT_TRUE(soon([&] { return (used = driver->take()).has_value(); }));
    EXPECT_EQ(used, (Used{9, 1}));
}

} // namespace
} // namespace segue::vmm::virtio

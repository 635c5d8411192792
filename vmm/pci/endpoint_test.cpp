// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/endpoint.hpp"

#include <linux/pci_regs.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/memory/layout.hpp"
#include "vmm/pci/fake_host.hpp"

namespace segue::vmm::pci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr unsigned kSlot = 2;
constexpr std::uint64_t kBar = 0x8000; // bytes
constexpr MsixPlace kMsix = {3, 0, 0x4000, 0x6000};
constexpr std::uint16_t kCommand = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

// A BAR of MSI-X and of memory that reads as 0x77.
class Card final : public Endpoint, public MmioDevice {
public:
    Card(Host& host, std::uint16_t device)
        : Endpoint(host, kSlot, {0x1af4, device, 0x1af4, 0x1100, 0x018000, 1}) {
        add_bar(0, kBar, bar_window(kSlot), *this);
        EXPECT_TRUE(add_msix(kMsix).ok());
        power_on();
    }
    void read(std::uint64_t at, std::span<std::byte> data) override {
        if (at >= kMsix.pending)
            msix().read_pending(at - kMsix.pending, data);
        else if (at >= kMsix.table)
            msix().read_table(at - kMsix.table, data);
        else
            std::fill(data.begin(), data.end(), std::byte{0x77});
    }
    void write(std::uint64_t at, std::span<const std::byte> data) override {
        if (at >= kMsix.table)
            msix().write_table(at - kMsix.table, data);
    }
    void moved(std::optional<std::uint64_t> bar0) noexcept override { seen.push_back(bar0); }

    using Endpoint::endpoint_state;
    using Endpoint::fits;
    using Endpoint::flush_interrupts;
    using Endpoint::load_endpoint;
    using Endpoint::msix;
    using Endpoint::reset_endpoint;
    using Endpoint::set_intx;
    std::vector<std::optional<std::uint64_t>> seen;
};

// One side: the machine and its card.
struct Side {
    explicit Side(std::uint16_t device = 0x1042)
        : card(host, device) {}
    template <class T>
    T config(unsigned offset) {
        T value = 0;
        card.read_config(static_cast<std::uint16_t>(offset),
                         std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    template <class T>
    void set_config(unsigned offset, T value) {
        card.write_config(static_cast<std::uint16_t>(offset), std::as_bytes(std::span(&value, 1)));
    }
    std::uint32_t memory(std::uint64_t at) {
        std::uint32_t value = 0;
        bus.read(at, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    void set_memory(std::uint64_t at, std::uint32_t value) {
        bus.write(at, std::as_bytes(std::span(&value, 1)));
    }
    unsigned msix_at() {
        unsigned at = config<std::uint8_t>(PCI_CAPABILITY_LIST);
        while (at != 0 && config<std::uint8_t>(at) != PCI_CAP_ID_MSIX)
            at = config<std::uint8_t>(at + 1);
        return at;
    }
    void control(std::uint16_t bits) { set_config(msix_at() + PCI_MSIX_FLAGS, bits); }
    void entry(unsigned vector, std::uint32_t data, bool masked) {
        const std::uint64_t at = Endpoint::bar_window(kSlot) + kMsix.table + 16 * vector;
        set_memory(at, 0xfee00000);
        set_memory(at + 4, 0);
        set_memory(at + 8, data);
        set_memory(at + 12, masked ? 1 : 0);
    }
    std::uint32_t pending() { return memory(Endpoint::bar_window(kSlot) + kMsix.pending); }

    MmioBus bus;
    FakeHost host{bus};
    Card card;
};

TEST(PciEndpoint, SaysWhatItIs) {
    Side s;
    EXPECT_EQ(s.config<std::uint32_t>(PCI_VENDOR_ID), 0x10421af4u);
    EXPECT_EQ(s.config<std::uint32_t>(PCI_CLASS_REVISION), 0x01800001u);
    EXPECT_EQ(s.config<std::uint32_t>(PCI_SUBSYSTEM_VENDOR_ID), 0x11001af4u);
    EXPECT_EQ(s.config<std::uint16_t>(PCI_INTERRUPT_LINE), 0x0112u); // INTA#, GSI 18
    EXPECT_EQ(s.config<std::uint32_t>(0x100), 0xffffffffu);
    s.set_config<std::uint32_t>(PCI_VENDOR_ID, 0);
    EXPECT_EQ(s.config<std::uint32_t>(PCI_VENDOR_ID), 0x10421af4u);
    ASSERT_NE(s.msix_at(), 0u);
    EXPECT_EQ(s.config<std::uint16_t>(s.msix_at() + PCI_MSIX_FLAGS), 2); // 3 vectors
    EXPECT_EQ(s.config<std::uint32_t>(s.msix_at() + PCI_MSIX_TABLE), kMsix.table);
    EXPECT_EQ(s.config<std::uint32_t>(s.msix_at() + PCI_MSIX_PBA), kMsix.pending);
}

TEST(PciEndpoint, ABarIsSizedAndMovedWhileTheGuestRuns) {
    Side s;
    const std::uint64_t home = Endpoint::bar_window(kSlot);
    EXPECT_EQ(s.memory(home), 0xffffffffu); // memory space is off at power-on
    s.set_config(PCI_COMMAND, kCommand);
    EXPECT_EQ(s.memory(home), 0x77777777u);
    s.set_config(PCI_COMMAND, std::uint16_t{0});
    s.set_config(PCI_BASE_ADDRESS_0, 0xffffffffu);
    s.set_config(PCI_BASE_ADDRESS_1, 0xffffffffu);
    EXPECT_EQ(s.config<std::uint32_t>(PCI_BASE_ADDRESS_0), 0xffff8004u);
    EXPECT_EQ(s.config<std::uint32_t>(PCI_BASE_ADDRESS_1), 0xffffffffu);
    EXPECT_EQ(s.config<std::uint32_t>(PCI_BASE_ADDRESS_2), 0u);
    s.set_config(PCI_BASE_ADDRESS_0, 0x12340000u);
    s.set_config(PCI_BASE_ADDRESS_1, 0x80u); // above 512 GiB
    s.set_config(PCI_COMMAND, kCommand);
    EXPECT_EQ(s.memory(0x8012340000), 0x77777777u);
    EXPECT_EQ(s.memory(home), 0xffffffffu);
    EXPECT_THAT(s.card.seen, ElementsAre(home, std::nullopt, 0x8012340000));
}

TEST(PciEndpoint, ABarHidesNothing) {
    Side s;
    Card other(s.host, 0x1042);
    s.set_config(PCI_COMMAND, kCommand);
    const std::uint16_t on = kCommand;
    other.write_config(PCI_COMMAND, std::as_bytes(std::span(&on, 1))); // where the first is
    EXPECT_TRUE(other.seen.empty() || !other.seen.back());
    EXPECT_EQ(s.memory(Endpoint::bar_window(kSlot)), 0x77777777u);
    for (const std::uint32_t outside : {0u, 0x100000u, 0xe0000000u, 0xfee00000u, 0xffff8000u}) {
        s.set_config(PCI_BASE_ADDRESS_0, outside);
        EXPECT_EQ(s.memory(outside), 0xffffffffu) << outside;
    }
    s.set_config(PCI_BASE_ADDRESS_0, 0xdfff8000u); // the last that fits
    EXPECT_EQ(s.memory(0xdfff8000), 0x77777777u);
}

TEST(PciEndpoint, MsixInterruptsGoWhereTheirEntriesSay) {
    Side s;
    s.set_config(PCI_COMMAND, kCommand);
    s.control(PCI_MSIX_FLAGS_ENABLE);
    s.entry(0, 0x41, false);
    s.entry(1, 0x42, false);
    s.card.msix().raise(1);
    s.card.msix().raise(0);
    s.card.msix().raise(99); // there is none
    EXPECT_THAT(s.host.take(), ElementsAre(0x42, 0x41));
    s.entry(0, 0x51, false);
    s.card.msix().raise(0);
    EXPECT_THAT(s.host.take(), ElementsAre(0x51));
    EXPECT_EQ(s.memory(Endpoint::bar_window(kSlot) + kMsix.table + 8), 0x51u);
}

TEST(PciEndpoint, AMaskedInterruptWaits) {
    Side s;
    s.set_config(PCI_COMMAND, kCommand);
    s.control(PCI_MSIX_FLAGS_ENABLE);
    s.entry(0, 0x41, true);
    s.entry(2, 0x43, false);
    const int commits = s.host.commits();
    s.entry(0, 0x61, true);
    EXPECT_EQ(s.host.commits(), commits); // a masked entry costs nothing
    s.card.msix().raise(0);
    EXPECT_EQ(s.pending(), 1u);
    EXPECT_TRUE(s.host.take().empty());
    s.entry(0, 0x61, false);
    EXPECT_THAT(s.host.take(), ElementsAre(0x61));
    EXPECT_EQ(s.pending(), 0u);

    s.control(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    s.card.msix().raise(2);
    s.card.msix().raise(2);
    EXPECT_EQ(s.pending(), 4u);
    s.control(PCI_MSIX_FLAGS_ENABLE);
    EXPECT_THAT(s.host.take(), ElementsAre(0x43)); // two became one
}

TEST(PciEndpoint, TheWireFollowsStatusCommandAndMsix) {
    Side s;
    s.card.set_intx(true);
    EXPECT_TRUE(s.host.intx(kSlot));
    EXPECT_EQ(s.config<std::uint16_t>(PCI_STATUS) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    s.set_config(PCI_COMMAND, std::uint16_t{kCommand | PCI_COMMAND_INTX_DISABLE});
    EXPECT_FALSE(s.host.intx(kSlot));
    s.set_config(PCI_COMMAND, kCommand);
    EXPECT_TRUE(s.host.intx(kSlot));
    s.control(PCI_MSIX_FLAGS_ENABLE);
    EXPECT_FALSE(s.host.intx(kSlot));
    s.control(0);
    s.card.set_intx(false);
    EXPECT_FALSE(s.host.intx(kSlot));
    EXPECT_EQ(s.config<std::uint16_t>(PCI_STATUS) & PCI_STATUS_INTERRUPT, 0);
}

TEST(PciEndpoint, EverythingTravels) {
    Side old, next;
    old.set_config(PCI_BASE_ADDRESS_0, 0xc1000000u);
    old.set_config(PCI_COMMAND, kCommand);
    old.set_config<std::uint8_t>(PCI_INTERRUPT_LINE, 9);
    old.set_config(PCI_BASE_ADDRESS_0, 0xc2000000u);
    old.control(PCI_MSIX_FLAGS_ENABLE);
    old.entry(0, 0x41, false);
    old.entry(1, 0x42, true);
    old.card.msix().raise(1);
    const EndpointState state = old.card.endpoint_state();
    EXPECT_TRUE(next.card.fits(state).ok());

    next.card.load_endpoint(state);
    EXPECT_EQ(next.host.commits(), 0); // the machine does it once for all
    EXPECT_EQ(next.card.endpoint_state().config, state.config);
    EXPECT_EQ(next.card.endpoint_state().msix, state.msix);
    EXPECT_THAT(next.card.seen, ElementsAre(0xc2000000));
    next.host.commit_routes();
    next.card.flush_interrupts();
    EXPECT_TRUE(next.host.take().empty());
    next.card.msix().raise(0);
    next.entry(1, 0x42, false); // what was pending comes now
    EXPECT_THAT(next.host.take(), ElementsAre(0x41, 0x42));
}

TEST(PciEndpoint, AWireThatIsUpIsDrivenAfterTheCommit) {
    Side old, next;
    old.card.set_intx(true);
    next.card.load_endpoint(old.card.endpoint_state());
    EXPECT_FALSE(next.host.intx(kSlot));
    next.card.flush_interrupts();
    EXPECT_TRUE(next.host.intx(kSlot));
}

TEST(PciEndpoint, AnotherDevicesStateIsRefused) {
    Side old(0x1041), next;
    const Status s = next.card.fits(old.card.endpoint_state());
    ASSERT_EQ(s.code(), Code::Unsupported);
    EXPECT_THAT(s.error().what(), HasSubstr("offset 2"));
}

TEST(PciEndpoint, ResetIsAsAtPowerOn) {
    Side s;
    const auto fresh = s.card.endpoint_state();
    s.set_config(PCI_BASE_ADDRESS_0, 0xc5000000u);
    s.set_config(PCI_COMMAND, kCommand);
    s.control(PCI_MSIX_FLAGS_ENABLE);
    s.entry(0, 0x41, true);
    s.card.msix().raise(0);
    s.card.reset_endpoint();
    EXPECT_EQ(s.card.endpoint_state().config, fresh.config);
    EXPECT_EQ(s.card.endpoint_state().msix, fresh.msix);
    EXPECT_FALSE(s.card.seen.back());
    s.card.set_intx(true);
    s.card.reset_endpoint();
    EXPECT_FALSE(s.host.intx(kSlot));
}

} // namespace
} // namespace segue::vmm::pci

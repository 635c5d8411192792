// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm::virtio {

namespace {

constexpr std::uint64_t kTable = 0x4000; // in the BAR; what the capability says is compared

} // namespace

void TestMachine::find_structures() {
    set_config<std::uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    const std::uint64_t bar = config<std::uint32_t>(PCI_BASE_ADDRESS_0) & ~0xfu;
    for (unsigned at = config<std::uint8_t>(PCI_CAPABILITY_LIST); at != 0;
         at = config<std::uint8_t>(at + 1)) {
        if (config<std::uint8_t>(at) == PCI_CAP_ID_MSIX) {
            msix_ = at;
            EXPECT_EQ(config<std::uint32_t>(at + PCI_MSIX_TABLE), kTable);
            continue;
        }
        EXPECT_EQ(config<std::uint8_t>(at), PCI_CAP_ID_VNDR);
        const auto type = config<std::uint8_t>(at + VIRTIO_PCI_CAP_CFG_TYPE);
        if (type == VIRTIO_PCI_CAP_PCI_CFG)
            window = at;
        structure_[type & 7] = bar + config<std::uint32_t>(at + VIRTIO_PCI_CAP_OFFSET);
    }
}

void TestMachine::mask(unsigned vector, bool masked) {
    const std::uint64_t bar = config<std::uint32_t>(PCI_BASE_ADDRESS_0) & ~0xfu;
    const std::uint32_t v = masked ? 1 : 0;
    bus.write(bar + kTable + 16ull * vector + 12, std::as_bytes(std::span(&v, 1)));
}

void TestMachine::set_up_msix() {
    const std::uint64_t bar = config<std::uint32_t>(PCI_BASE_ADDRESS_0) & ~0xfu;
    const unsigned vectors = (config<std::uint16_t>(msix_ + PCI_MSIX_FLAGS) & 0x7ff) + 1u;
    for (std::uint32_t v = 0; v < vectors; ++v) {
        const std::uint32_t entry[] = {0xfee00000, 0, kConfigMessage + v, 0};
        for (unsigned i = 0; i < 4; ++i)
            bus.write(bar + kTable + 16ull * v + 4ull * i, std::as_bytes(std::span(&entry[i], 1)));
    }
    set_config<std::uint16_t>(msix_ + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
}

void TestMachine::bring_up(std::uint64_t features, std::uint16_t size, bool intx) {
    set_status(0);
    ASSERT_TRUE(soon([&] { return status() == 0; }));
    set_status(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
    for (const std::uint32_t half : {0u, 1u}) {
        set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, half);
        set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GF,
                                  static_cast<std::uint32_t>(features >> 32 * half));
    }
    set_status(status() | VIRTIO_CONFIG_S_FEATURES_OK);
    ASSERT_NE(status() & VIRTIO_CONFIG_S_FEATURES_OK, 0);
    if (!intx)
        set_up_msix();
    set_common<std::uint16_t>(VIRTIO_PCI_COMMON_MSIX, 0);
    for (std::uint16_t q = 0; q < common<std::uint16_t>(VIRTIO_PCI_COMMON_NUMQ); ++q) {
        set_common(VIRTIO_PCI_COMMON_Q_SELECT, q);
        const RingPlace p = placed_.count(q) != 0 ? placed_[q] : place(q, size);
        const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
        set_common(VIRTIO_PCI_COMMON_Q_SIZE, p.size);
        set_common(VIRTIO_PCI_COMMON_Q_DESCLO, low(p.descriptors));
        set_common(VIRTIO_PCI_COMMON_Q_DESCHI, low(p.descriptors >> 32));
        set_common(VIRTIO_PCI_COMMON_Q_AVAILLO, low(p.driver));
        set_common(VIRTIO_PCI_COMMON_Q_AVAILHI, low(p.driver >> 32));
        set_common(VIRTIO_PCI_COMMON_Q_USEDLO, low(p.device));
        set_common(VIRTIO_PCI_COMMON_Q_USEDHI, low(p.device >> 32));
        set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_MSIX, static_cast<std::uint16_t>(q + 1));
        set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_ENABLE, 1);
        ASSERT_EQ(common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_ENABLE), 1);
    }
    set_status(status() | VIRTIO_CONFIG_S_DRIVER_OK);
}

std::vector<std::byte> TestMachine::saved() {
    state::Writer writer{state::Header()};
    const DeviceId id = device_->id();
    writer.begin(id.name, id.instance, id.revision);
    device_->save(writer);
    writer.end();
    const auto bytes = writer.finish();
    return {bytes.begin(), bytes.end()};
}

Status TestMachine::load(std::span<const std::byte> state) {
    SEGUE_ASSIGN(const auto reader, state::Reader::parse(state));
    SEGUE_ASSIGN(const state::Section* section,
                 reader.take(device_->id().name, device_->id().instance));
    SEGUE_TRY(device_->load(*section));
    host.commit_routes(); // as the machine does for all devices
    return {};
}

void TestMachine::hand_over(TestMachine& next) {
    const auto running = saved();
    EXPECT_TRUE(next.load(running).ok()); // the standby has it all before the pause
    EXPECT_TRUE(device_->settle(Deadline::in(std::chrono::seconds(10))).ok());
    const Status loaded = next.load(saved());
    EXPECT_TRUE(loaded.ok()) << loaded.error().what();
    EXPECT_EQ(next.saved(), saved());
    next.device().activate();
}

} // namespace segue::vmm::virtio

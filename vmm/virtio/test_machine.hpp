// SPDX-License-Identifier: Apache-2.0
// test_machine.hpp - a machine with one virtio device and a driver of it, for tests.
#pragma once

#include <linux/pci_regs.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "vmm/pci/fake_host.hpp"
#include "vmm/virtio/driver_ring.hpp"
#include "vmm/virtio/pci_device.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

inline constexpr std::uint64_t kVersion1 = 1ull << VIRTIO_F_VERSION_1;

inline std::uint64_t bits_of(const RingFeatures& f) {
    return kVersion1 | (f.packed ? 1ull << VIRTIO_F_RING_PACKED : 0) |
           (f.indirect ? 1ull << VIRTIO_RING_F_INDIRECT_DESC : 0) |
           (f.event_index ? 1ull << VIRTIO_RING_F_EVENT_IDX : 0);
}

// Waits up to 30 s for what takes microseconds.
template <class F>
bool soon(F condition) {
    const Deadline deadline = Deadline::in(std::chrono::seconds(30));
    while (!condition()) {
        if (deadline.passed())
            return false;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
}

// One generation's machine around RAM that may outlive it. Vector n of queue n sends message 0x40 +
// n, that of the configuration 0x3f.
class TestMachine {
public:
    static constexpr unsigned kSlot = 1;
    static constexpr std::uint32_t kMessage = 0x40, kConfigMessage = 0x3f;

    TestMachine(TestRam& ram, std::unique_ptr<Model> model, const Offer& offer = {})
        : ram_(ram)
        , device_(PciDevice::create(host, kSlot, std::move(model), ram.ram(), offer).value()) {
        find_structures();
    }

    PciDevice& device() { return *device_; }

    template <class T>
    T config(unsigned offset) {
        T v = 0;
        device_->read_config(static_cast<std::uint16_t>(offset),
                             std::as_writable_bytes(std::span(&v, 1)));
        return v;
    }
    template <class T>
    void set_config(unsigned offset, T v) {
        device_->write_config(static_cast<std::uint16_t>(offset), std::as_bytes(std::span(&v, 1)));
    }
    // In the structure of a type, by the bus.
    template <class T>
    T in(std::uint8_t type, std::uint64_t offset) {
        T v = 0;
        bus.read(structure_[type] + offset, std::as_writable_bytes(std::span(&v, 1)));
        return v;
    }
    template <class T>
    void out(std::uint8_t type, std::uint64_t offset, T v) {
        bus.write(structure_[type] + offset, std::as_bytes(std::span(&v, 1)));
    }
    template <class T>
    T common(std::uint64_t offset) {
        return in<T>(VIRTIO_PCI_CAP_COMMON_CFG, offset);
    }
    template <class T>
    void set_common(std::uint64_t offset, T v) {
        out<T>(VIRTIO_PCI_CAP_COMMON_CFG, offset, v);
    }
    int status() { return common<std::uint8_t>(VIRTIO_PCI_COMMON_STATUS); }
    void set_status(int status) {
        set_common(VIRTIO_PCI_COMMON_STATUS, static_cast<std::uint8_t>(status));
    }

    // 3.1.1, with queues of `size`; with MSI-X unless `intx`.
    void bring_up(std::uint64_t features, std::uint16_t size = 8, bool intx = false);
    // Where a queue of the driver's lies; where its indirect tables do.
    static RingPlace place(unsigned queue, std::uint16_t size) {
        const std::uint64_t at = 0x1000 + 0x4000ull * queue;
        return {size, at, at + 0x1000, at + 0x2000};
    }
    static std::uint64_t tables(unsigned queue) { return 0x10000 + 0x4000ull * queue; }
    void notify(unsigned queue) {
        out<std::uint16_t>(VIRTIO_PCI_CAP_NOTIFY_CFG, 4ull * queue,
                           static_cast<std::uint16_t>(queue));
    }
    void mask(unsigned vector, bool masked);
    // From the next bring_up() on, instead of place().
    void place_queue(unsigned queue, const RingPlace& place) { placed_[queue] = place; }
    template <class T>
    T in_bar(std::uint64_t offset) {
        T v = 0;
        bus.read((config<std::uint32_t>(PCI_BASE_ADDRESS_0) & ~0xfu) + offset,
                 std::as_writable_bytes(std::span(&v, 1)));
        return v;
    }
    unsigned msix() const { return msix_; }

    // Settles and saves this side, loads `next`: what an update does with a device.
    void hand_over(TestMachine& next);
    std::vector<std::byte> saved();
    Status load(std::span<const std::byte> state);

    MmioBus bus;
    pci::FakeHost host{bus};

private:
    void find_structures();
    void set_up_msix();
    TestRam& ram_;
    std::unique_ptr<PciDevice> device_;
    std::uint64_t structure_[8] = {};
    std::map<unsigned, RingPlace> placed_;
    unsigned msix_ = 0; // offsets in configuration space
public:
    unsigned window = 0;
};

} // namespace segue::vmm::virtio

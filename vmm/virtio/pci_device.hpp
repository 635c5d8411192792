// SPDX-License-Identifier: Apache-2.0
// pci_device.hpp - virtio 1.2, 4.1: a virtio device as a PCI function.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "vmm/devices/device.hpp"
#include "vmm/pci/endpoint.hpp"
#include "vmm/virtio/common_config.hpp"

namespace segue::vmm::virtio {

// One BAR holds all structures. A driver's notification signals the queue's doorbell in KVM,
// without an exit; what comes as an exit does the same. Locks are taken in this order: registers,
// core, interrupts, endpoint. [any]
class PciDevice final : public pci::Endpoint,
                        public MmioDevice,
                        public Interrupts,
                        public ActiveDevice {
public:
    // `host` and `ram` outlive it.
    static Result<std::unique_ptr<PciDevice>> create(pci::Host& host, unsigned slot,
                                                     std::unique_ptr<Model> model,
                                                     const GuestRam& ram, const Offer& offer = {});
    ~PciDevice() override;

    void read_config(std::uint16_t offset, std::span<std::byte> data) override;
    void write_config(std::uint16_t offset, std::span<const std::byte> data) override;
    // In the BAR.
    void read(std::uint64_t at, std::span<std::byte> data) override;
    void write(std::uint64_t at, std::span<const std::byte> data) override;

    void tell_used(std::uint16_t vector) noexcept override;
    void tell_config(std::uint16_t vector) noexcept override;
    int line(std::uint16_t vector) const noexcept override { return msix().line(vector); }

    DeviceId id() const override;
    void save(state::Writer& section) const override;
    // May be called again, with what has changed since: doorbells that stay where they are cost
    // nothing the second time.
    Status load(const state::Section& section) override;
    void reset() noexcept override;
    Status settle(Deadline deadline) override { return core_->settle(deadline); }
    void activate() noexcept override;
    unsigned requests_waiting() const override { return core_->requests_waiting(); }
    bool writes_unseen() const override { return core_->writes_unseen(); }

private:
    PciDevice(pci::Host& host, unsigned slot, const ModelFacts& facts);
    Status lay_out();
    Status add_structure(std::uint8_t type, std::uint32_t offset, std::uint32_t length);
    Status add_notify_structure();
    Status add_window();
    void moved(std::optional<std::uint64_t> bar0) noexcept override;
    void remove_doorbells() noexcept;
    void notify(std::uint64_t at) noexcept;
    void tell(std::uint16_t vector, std::uint8_t isr) noexcept;
    void read_isr(std::span<std::byte> data);
    struct Window {
        std::uint32_t offset, length;
        bool open;
    };
    Window window();

    std::unique_ptr<Core> core_;
    mutable std::mutex registers_;
    std::unique_ptr<CommonConfig> common_;
    mutable std::mutex isr_mutex_;
    std::uint8_t isr_ = 0;
    std::optional<std::uint64_t> doorbells_; // the BAR's place with which they were added
    std::uint8_t window_at_ = 0;             // offset of the configuration access capability
};

} // namespace segue::vmm::virtio

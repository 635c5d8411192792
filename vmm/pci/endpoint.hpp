// SPDX-License-Identifier: Apache-2.0
// endpoint.hpp - a function of type 0 with memory and interrupts: what a PCI device is made from.
#pragma once

#include <memory>
#include <mutex>

#include "vmm/pci/bars.hpp"
#include "vmm/pci/function.hpp"
#include "vmm/pci/host.hpp"
#include "vmm/pci/msix.hpp"

namespace segue::vmm::pci {

struct EndpointState {
    ConfigSpace::Bytes config = {};
    MsixState msix;

    void write(state::Writer& section) const;
    static Result<EndpointState> read(const state::Section& section, std::size_t vectors);
};

// Where an endpoint's MSI-X structures lie in one of its BARs.
struct MsixPlace {
    unsigned vectors = 0;
    unsigned bar = 0;
    std::uint32_t table = 0;   // bytes from the BAR's start
    std::uint32_t pending = 0; // likewise
};

// Its lock is taken after that of whoever derives from it, and guards configuration space, BARs and
// the INTx wire. Filled before the guest runs.
class Endpoint : public Function {
public:
    ~Endpoint() override;

    void read_config(std::uint16_t offset, std::span<std::byte> data) override;
    void write_config(std::uint16_t offset, std::span<const std::byte> data) override;

    // Where BAR 0 and each further one lies at power-on: 16 MiB a slot of the low window.
    static std::uint64_t bar_window(unsigned slot);

protected:
    Endpoint(Host& host, unsigned slot, const Identity& identity);

    // A BAR has come, gone or moved; with the lock held.
    virtual void moved(std::optional<std::uint64_t> bar0) noexcept = 0;

    void add_bar(unsigned bar, std::uint64_t bytes, std::uint64_t at, MmioDevice& region);
    Status add_msix(const MsixPlace& place);
    // The registers are complete: reset() goes back to them as they are now.
    void power_on() { at_reset_ = config_.bytes(); }
    Host& host() { return host_; }
    ConfigSpace& config() { return config_; } // before the guest runs
    Msix& msix() { return *msix_; }
    const Msix& msix() const { return *msix_; }
    // INTA#, which reaches the guest while MSI-X and the command register allow.
    void set_intx(bool level) noexcept;

    EndpointState endpoint_state() const;
    // Whether load_endpoint() may have it.
    Status fits(const EndpointState& state) const;
    // Interrupts are not raised, nor the wire driven, before flush_interrupts().
    void load_endpoint(EndpointState state);
    void flush_interrupts() noexcept;
    void reset_endpoint() noexcept;

private:
    void apply() noexcept;
    void drive_wire() noexcept;
    std::uint16_t msix_control() const;

    Host& host_;
    const unsigned slot_;
    mutable std::mutex mutex_;
    ConfigSpace config_;
    ConfigSpace::Bytes at_reset_ = {};
    Bars bars_;
    std::unique_ptr<Msix> msix_;
    std::uint8_t msix_at_ = 0; // offset of the capability
    bool intx_ = false;
    bool wire_ = false;
};

} // namespace segue::vmm::pci

// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/endpoint.hpp"

#include <linux/pci_regs.h>

#include <algorithm>

#include "vmm/memory/layout.hpp"

namespace segue::vmm::pci {

void EndpointState::write(state::Writer& section) const {
    section.put_bytes("pci_config", config);
    msix.write(section);
}

Result<EndpointState> EndpointState::read(const state::Section& section, std::size_t vectors) {
    EndpointState s;
    SEGUE_ASSIGN(const auto config, section.bytes("pci_config"));
    if (config.size() != s.config.size())
        return Error(Code::Corrupt, "PCI: a configuration space is not 256 bytes long");
    std::copy(config.begin(), config.end(), s.config.begin());
    SEGUE_ASSIGN(s.msix, MsixState::read(section, vectors));
    return s;
}

Endpoint::Endpoint(Host& host, unsigned slot, const Identity& identity)
    : host_(host)
    , slot_(slot)
    , config_(identity)
    , bars_(config_, host.mmio()) {
    config_.set<std::uint8_t>(PCI_INTERRUPT_PIN, 1); // INTA#
    config_.set(PCI_INTERRUPT_LINE, static_cast<std::uint8_t>(intx_gsi(slot)));
}

Endpoint::~Endpoint() {
    bars_.unmap();
}

std::uint64_t Endpoint::bar_window(unsigned slot) {
    return kPciWindow + slot * (16ull << 20);
}

void Endpoint::add_bar(unsigned bar, std::uint64_t bytes, std::uint64_t at, MmioDevice& region) {
    bars_.add(bar, bytes, true, region);
    bars_.place(bar, at);
}

Status Endpoint::add_msix(const MsixPlace& place) {
    SEGUE_ASSIGN(msix_, Msix::create(host_, place.vectors));
    const std::uint32_t words[] = {place.table | place.bar, place.pending | place.bar};
    std::array<std::byte, PCI_CAP_MSIX_SIZEOF - 2> body = {};
    body[0] = static_cast<std::byte>(place.vectors - 1);
    body[1] = static_cast<std::byte>((place.vectors - 1) >> 8);
    std::copy_n(std::as_bytes(std::span(words)).begin(), sizeof words, body.begin() + 2);
    msix_at_ = config_.add_capability(PCI_CAP_ID_MSIX, body);
    if (msix_at_ == 0)
        return Error(Code::Internal, "PCI: no room for the MSI-X capability");
    config_.set(msix_at_ + PCI_MSIX_FLAGS, static_cast<std::uint16_t>(place.vectors - 1),
                std::uint16_t{PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL});
    return {};
}

void Endpoint::read_config(std::uint16_t offset, std::span<std::byte> data) {
    const std::lock_guard lock(mutex_);
    config_.read(offset, data);
}

void Endpoint::write_config(std::uint16_t offset, std::span<const std::byte> data) {
    const std::lock_guard lock(mutex_);
    config_.write(offset, data);
    apply();
    if (msix_) {
        const std::uint16_t control = msix_control();
        msix_->control((control & PCI_MSIX_FLAGS_ENABLE) != 0,
                       (control & PCI_MSIX_FLAGS_MASKALL) != 0);
    }
    drive_wire();
}

std::uint16_t Endpoint::msix_control() const {
    return config_.get<std::uint16_t>(msix_at_ + PCI_MSIX_FLAGS);
}

void Endpoint::apply() noexcept {
    if (bars_.update())
        moved(bars_.mapped(0));
}

void Endpoint::set_intx(bool level) noexcept {
    const std::lock_guard lock(mutex_);
    intx_ = level;
    drive_wire();
}

void Endpoint::drive_wire() noexcept {
    const auto status = config_.get<std::uint16_t>(PCI_STATUS);
    config_.set(PCI_STATUS, static_cast<std::uint16_t>((status & ~PCI_STATUS_INTERRUPT) |
                                                       (intx_ ? PCI_STATUS_INTERRUPT : 0)));
    const bool barred = (config_.get<std::uint16_t>(PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE) != 0 ||
                        (msix_ && (msix_control() & PCI_MSIX_FLAGS_ENABLE) != 0);
    const bool level = intx_ && !barred;
    if (level != wire_)
        host_.set_intx(slot_, level);
    wire_ = level;
}

EndpointState Endpoint::endpoint_state() const {
    const std::lock_guard lock(mutex_);
    return {config_.bytes(), msix_->state()};
}

Status Endpoint::fits(const EndpointState& state) const {
    const std::lock_guard lock(mutex_);
    return config_.fits(state.config);
}

void Endpoint::load_endpoint(EndpointState state) {
    const std::lock_guard lock(mutex_);
    config_.load(state.config);
    const std::uint16_t control = msix_control();
    msix_->load(std::move(state.msix), (control & PCI_MSIX_FLAGS_ENABLE) != 0,
                (control & PCI_MSIX_FLAGS_MASKALL) != 0);
    intx_ = (config_.get<std::uint16_t>(PCI_STATUS) & PCI_STATUS_INTERRUPT) != 0;
    wire_ = false;
    apply();
}

void Endpoint::flush_interrupts() noexcept {
    const std::lock_guard lock(mutex_);
    msix_->flush();
    drive_wire();
}

void Endpoint::reset_endpoint() noexcept {
    const std::lock_guard lock(mutex_);
    config_.load(at_reset_);
    apply();
    msix_->reset();
    intx_ = false;
    drive_wire();
}

} // namespace segue::vmm::pci

// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/root.hpp"

#include <linux/pci_regs.h>

#include <algorithm>
#include <cstring>

#include "vmm/memory/layout.hpp"

namespace segue::vmm::pci {

namespace {

constexpr std::uint16_t kAddressPort = 0xcf8;
constexpr std::uint16_t kDataPort = 4; // from the address port
constexpr std::uint32_t kEnable = 0x80000000;
constexpr std::uint32_t kAddressBits = kEnable | 0x00fffffc;
// As QEMU's PCI Express host bridge, which no driver has quirks for.
constexpr Identity kBridge = {0x1b36, 0x0008, 0, 0, 0x060000, 0};

// 1, 2 or 4 bytes that do not cross a word.
bool is_register(std::uint64_t at, std::span<const std::byte> data) {
    return (data.size() == 1 || data.size() == 2 || data.size() == 4) && at % 4 + data.size() <= 4;
}

void nobody(std::span<std::byte> data) {
    std::fill(data.begin(), data.end(), std::byte{0xff});
}

} // namespace

Root::HostBridge::HostBridge()
    : config_(kBridge) {}

void Root::HostBridge::read_config(std::uint16_t offset, std::span<std::byte> data) {
    config_.read(offset, data);
}

Root::Root()
    : ecam_(*this)
    , ports_(*this) {
    slots_[0] = &bridge_;
}

Status Root::attach_to(Buses& buses, PortDevice& port_cf9) {
    port_cf9_ = &port_cf9;
    SEGUE_TRY(buses.ports.attach(kAddressPort, 8, ports_));
    return buses.mmio.attach(kEcam, kEcamBytes, ecam_);
}

Status Root::plug(unsigned slot, Function& function) {
    if (slot >= kSlots)
        return Error(Code::Invalid, "PCI slot " + std::to_string(slot) + ": there are 32")
            .way_out("remove a device");
    if (slots_[slot] != nullptr)
        return Error(Code::Exists, "PCI slot " + std::to_string(slot) + ": taken");
    slots_[slot] = &function;
    return {};
}

Function* Root::at(std::uint64_t at) const {
    const bool bus_0 = at >> 20 == 0;
    const bool function_0 = (at >> 12 & 7) == 0;
    return bus_0 && function_0 ? slots_[at >> 15 & 31] : nullptr;
}

void Root::Ecam::read(std::uint64_t at, std::span<std::byte> data) {
    Function* const f = is_register(at, data) ? root_.at(at) : nullptr;
    if (f != nullptr)
        f->read_config(static_cast<std::uint16_t>(at & 0xfff), data);
    else
        nobody(data);
}

void Root::Ecam::write(std::uint64_t at, std::span<const std::byte> data) {
    Function* const f = is_register(at, data) ? root_.at(at) : nullptr;
    if (f != nullptr)
        f->write_config(static_cast<std::uint16_t>(at & 0xfff), data);
}

// The address register answers to whole words only; 0xcf9 by itself is another register.
void Root::Ports::read(std::uint16_t port, std::span<std::byte> data) {
    const std::uint32_t address = root_.address_.load();
    if (port == 0 && data.size() == 4)
        std::memcpy(data.data(), &address, 4);
    else if (port == 1 && data.size() == 1)
        root_.port_cf9_->read(0, data);
    else if (Function* const f = root_.at((address & 0xffff00) << 4);
             f != nullptr && port >= kDataPort && (address & kEnable) != 0)
        f->read_config(static_cast<std::uint16_t>((address & 0xfc) + port - kDataPort), data);
    else
        nobody(data);
}

void Root::Ports::write(std::uint16_t port, std::span<const std::byte> data) {
    const std::uint32_t address = root_.address_.load();
    if (port == 0 && data.size() == 4) {
        std::uint32_t value = 0;
        std::memcpy(&value, data.data(), 4);
        root_.address_.store(value & kAddressBits);
    } else if (port == 1 && data.size() == 1) {
        root_.port_cf9_->write(0, data);
    } else if (Function* const f = root_.at((address & 0xffff00) << 4);
               f != nullptr && port >= kDataPort && (address & kEnable) != 0) {
        f->write_config(static_cast<std::uint16_t>((address & 0xfc) + port - kDataPort), data);
    }
}

void Root::save(state::Writer& section) const {
    section.put("address", address_.load());
}

Status Root::load(const state::Section& section) {
    SEGUE_ASSIGN(const std::uint64_t address, section.number("address"));
    if ((address & ~std::uint64_t{kAddressBits}) != 0)
        return Error(Code::Corrupt, "PCI: the configuration address has bits that it cannot have");
    address_.store(static_cast<std::uint32_t>(address));
    return {};
}

void Root::reset() noexcept {
    address_.store(0);
}

} // namespace segue::vmm::pci

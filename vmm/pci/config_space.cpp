// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/config_space.hpp"

#include <linux/pci_regs.h>

#include <algorithm>

namespace segue::vmm::pci {

namespace {

constexpr std::uint16_t kCommandBits =
    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;

} // namespace

ConfigSpace::ConfigSpace(const Identity& identity)
    : next_capability_(PCI_STD_HEADER_SIZEOF)
    , last_link_(PCI_CAPABILITY_LIST) {
    set<std::uint16_t>(PCI_VENDOR_ID, identity.vendor);
    set<std::uint16_t>(PCI_DEVICE_ID, identity.device);
    set<std::uint32_t>(PCI_CLASS_REVISION, identity.class_code << 8 | identity.revision);
    set<std::uint16_t>(PCI_SUBSYSTEM_VENDOR_ID, identity.subsystem_vendor);
    set<std::uint16_t>(PCI_SUBSYSTEM_ID, identity.subsystem);
    set<std::uint16_t>(PCI_COMMAND, 0, kCommandBits);
    set<std::uint8_t>(PCI_CACHE_LINE_SIZE, 0, 0xff);
    set<std::uint8_t>(PCI_INTERRUPT_LINE, 0, 0xff);
}

void ConfigSpace::read(std::size_t offset, std::span<std::byte> data) const {
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = offset + i < kBytes ? bytes_[offset + i] : std::byte{0xff};
}

void ConfigSpace::write(std::size_t offset, std::span<const std::byte> data) {
    for (std::size_t i = 0; i < data.size() && offset + i < kBytes; ++i) {
        std::byte& b = bytes_[offset + i];
        b = (b & ~writable_[offset + i]) | (data[i] & writable_[offset + i]);
    }
}

std::uint8_t ConfigSpace::add_capability(std::uint8_t id, std::span<const std::byte> body) {
    const std::size_t at = next_capability_;
    if (at + PCI_CAP_SIZEOF - 2 + body.size() > kBytes)
        return 0;
    set<std::uint8_t>(at + PCI_CAP_LIST_ID, id);
    std::copy(body.begin(), body.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at) + 2);
    set(last_link_, static_cast<std::uint8_t>(at));
    last_link_ = at + PCI_CAP_LIST_NEXT;
    next_capability_ = (at + 2 + body.size() + 3) / 4 * 4;
    set<std::uint16_t>(PCI_STATUS, get<std::uint16_t>(PCI_STATUS) | PCI_STATUS_CAP_LIST);
    return static_cast<std::uint8_t>(at);
}

Status ConfigSpace::fits(const Bytes& saved) const {
    for (std::size_t i = 0; i < kBytes; ++i) {
        const std::byte device = i == PCI_STATUS ? std::byte{PCI_STATUS_INTERRUPT} : writable_[i];
        if (((saved[i] ^ bytes_[i]) & ~device) != std::byte{0})
            return Error(Code::Unsupported, "PCI configuration space: the guest's device has " +
                                                std::to_string(std::to_integer<int>(saved[i])) +
                                                " at offset " + std::to_string(i) +
                                                ", this VMM makes " +
                                                std::to_string(std::to_integer<int>(bytes_[i])))
                .way_out("update to a VMM that makes the guest's device");
    }
    return {};
}

} // namespace segue::vmm::pci

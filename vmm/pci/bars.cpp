// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/bars.hpp"

#include <linux/pci_regs.h>

#include "vmm/memory/layout.hpp"

namespace segue::vmm::pci {

namespace {

constexpr std::uint64_t kHighWindowEnd = kPciHighWindow + kPciHighWindowBytes;

std::size_t offset_of(unsigned bar) {
    return PCI_BASE_ADDRESS_0 + 4 * bar;
}

bool inside(std::uint64_t at, std::uint64_t bytes, std::uint64_t first, std::uint64_t end) {
    return at >= first && at < end && bytes <= end - at;
}

} // namespace

void Bars::add(unsigned bar, std::uint64_t bytes, bool wide, MmioDevice& region) {
    const std::uint64_t writable = ~(bytes - 1);
    const std::uint32_t type = wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : PCI_BASE_ADDRESS_MEM_TYPE_32;
    config_.set(offset_of(bar), type, static_cast<std::uint32_t>(writable));
    if (wide)
        config_.set(offset_of(bar + 1), std::uint32_t{0},
                    static_cast<std::uint32_t>(writable >> 32));
    bars_[bar] = {bytes, wide, &region, std::nullopt};
}

void Bars::place(unsigned bar, std::uint64_t address) {
    const auto type = config_.get<std::uint32_t>(offset_of(bar)) & 0xfu;
    config_.set(offset_of(bar), static_cast<std::uint32_t>(address) | type);
    if (bars_[bar].wide)
        config_.set(offset_of(bar + 1), static_cast<std::uint32_t>(address >> 32));
}

std::uint64_t Bars::address(unsigned bar) const {
    std::uint64_t at = config_.get<std::uint32_t>(offset_of(bar)) & PCI_BASE_ADDRESS_MEM_MASK;
    if (bars_[bar].wide)
        at |= std::uint64_t{config_.get<std::uint32_t>(offset_of(bar + 1))} << 32;
    else
        at &= 0xffffffff;
    return at;
}

std::optional<std::uint64_t> Bars::wanted(unsigned bar) const {
    if (bars_[bar].bytes == 0 ||
        (config_.get<std::uint16_t>(PCI_COMMAND) & PCI_COMMAND_MEMORY) == 0)
        return std::nullopt;
    const std::uint64_t at = address(bar);
    const std::uint64_t bytes = bars_[bar].bytes;
    if (inside(at, bytes, kPciWindow, kPciWindowEnd) ||
        inside(at, bytes, kPciHighWindow, kHighWindowEnd))
        return at;
    return std::nullopt;
}

bool Bars::update() {
    bool changed = false;
    for (unsigned i = 0; i < kCount; ++i) {
        Bar& bar = bars_[i];
        const auto at = wanted(i);
        if (at == bar.at)
            continue;
        changed = true;
        if (bar.at)
            bus_.detach(*bar.at);
        bar.at = at && bus_.attach(*at, bar.bytes, *bar.region) ? at : std::nullopt;
    }
    return changed;
}

void Bars::unmap() {
    for (Bar& bar : bars_) {
        if (bar.at)
            bus_.detach(*bar.at);
        bar.at.reset();
    }
}

} // namespace segue::vmm::pci

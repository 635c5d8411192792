// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/msix.hpp"

#include <linux/pci_regs.h>

#include <algorithm>
#include <cstring>

namespace segue::vmm::pci {

namespace {

// All entries masked, the rest zero.
MsixState fresh(std::size_t vectors) {
    MsixState s;
    s.table.resize(vectors * PCI_MSIX_ENTRY_SIZE);
    s.pending.resize(vectors);
    for (std::size_t i = 0; i < vectors; ++i)
        s.table[i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] =
            std::byte{PCI_MSIX_ENTRY_CTRL_MASKBIT};
    return s;
}

} // namespace

Result<std::unique_ptr<Msix>> Msix::create(Host& host, unsigned vectors) {
    std::unique_ptr<Msix> msix(new Msix);
    msix->host_ = &host;
    msix->s_ = fresh(vectors);
    for (unsigned i = 0; i < vectors; ++i) {
        SEGUE_ASSIGN(auto line, host.new_msi_line());
        msix->lines_.push_back(std::move(line));
    }
    msix->routed_.resize(vectors);
    return msix;
}

bool Msix::enabled() const {
    const std::lock_guard lock(mutex_);
    return enabled_;
}

void Msix::read_table(std::uint64_t at, std::span<std::byte> data) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = at + i < s_.table.size() ? s_.table[at + i] : std::byte{0};
}

void Msix::write_table(std::uint64_t at, std::span<const std::byte> data) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < data.size() && at + i < s_.table.size(); ++i)
        s_.table[at + i] = data[i];
    deliver_all();
}

void Msix::read_pending(std::uint64_t at, std::span<std::byte> data) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < data.size(); ++i) {
        data[i] = std::byte{0};
        for (std::size_t bit = 0; bit < 8; ++bit)
            if (const std::size_t v = (at + i) * 8 + bit; v < s_.pending.size())
                data[i] |= s_.pending[v] << bit;
    }
}

void Msix::control(bool enabled, bool masked) {
    const std::lock_guard lock(mutex_);
    enabled_ = enabled;
    masked_ = masked;
    deliver_all();
}

MsiMessage Msix::message(std::size_t vector) const {
    MsiMessage m;
    const std::byte* entry = s_.table.data() + vector * PCI_MSIX_ENTRY_SIZE;
    std::memcpy(&m.address, entry + PCI_MSIX_ENTRY_LOWER_ADDR, sizeof m.address);
    std::memcpy(&m.data, entry + PCI_MSIX_ENTRY_DATA, sizeof m.data);
    return m;
}

bool Msix::may_raise(std::size_t vector) const {
    const std::byte control = s_.table[vector * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL];
    return enabled_ && !masked_ &&
           (control & std::byte{PCI_MSIX_ENTRY_CTRL_MASKBIT}) == std::byte{0};
}

// True where the route has changed.
bool Msix::route(std::size_t vector) {
    const MsiMessage wanted = message(vector);
    if (!may_raise(vector) || wanted == routed_[vector])
        return false;
    lines_[vector]->route(wanted);
    routed_[vector] = wanted;
    return true;
}

void Msix::deliver_all() noexcept {
    bool changed = false;
    for (std::size_t v = 0; v < lines_.size(); ++v)
        changed = route(v) || changed;
    if (changed)
        host_->commit_routes();
    for (std::size_t v = 0; v < lines_.size(); ++v)
        if (s_.pending[v] != std::byte{0} && may_raise(v)) {
            s_.pending[v] = std::byte{0};
            lines_[v]->raise();
        }
}

void Msix::raise(unsigned vector) noexcept {
    const std::lock_guard lock(mutex_);
    if (vector >= lines_.size() || !enabled_)
        return;
    if (may_raise(vector))
        lines_[vector]->raise();
    else
        s_.pending[vector] = std::byte{1};
}

int Msix::line(unsigned vector) const noexcept {
    const std::lock_guard lock(mutex_);
    return vector < lines_.size() && may_raise(vector) ? lines_[vector]->event() : -1;
}

MsixState Msix::state() const {
    const std::lock_guard lock(mutex_);
    return s_;
}

void Msix::load(MsixState state, bool enabled, bool masked) {
    const std::lock_guard lock(mutex_);
    s_ = std::move(state);
    enabled_ = enabled;
    masked_ = masked;
    for (std::size_t v = 0; v < lines_.size(); ++v)
        (void)route(v);
}

void Msix::flush() noexcept {
    const std::lock_guard lock(mutex_);
    deliver_all();
}

void Msix::reset() noexcept {
    const std::lock_guard lock(mutex_);
    s_ = fresh(lines_.size());
    enabled_ = masked_ = false;
}

} // namespace segue::vmm::pci

// SPDX-License-Identifier: Apache-2.0
// msix.hpp - the table of a function's message-signalled interrupts.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "vmm/pci/host.hpp"
#include "vmm/pci/msix_state.hpp"

namespace segue::vmm::pci {

// PCI Local Bus Specification 3.0, section 6.8.2. An interrupt that is masked waits in its pending
// bit. Lines are routed when their vectors first can be raised, so what a guest writes into masked
// entries costs nothing. [any]
class Msix {
public:
    // `vectors`: 1 to 2048.
    static Result<std::unique_ptr<Msix>> create(Host& host, unsigned vectors);

    std::size_t vectors() const { return lines_.size(); }
    bool enabled() const;

    // Guest's view; beyond the end reads as zeros.
    void read_table(std::uint64_t at, std::span<std::byte> data) const;
    void write_table(std::uint64_t at, std::span<const std::byte> data);
    void read_pending(std::uint64_t at, std::span<std::byte> data) const;
    // The message control register's two bits.
    void control(bool enabled, bool masked);

    // A vector that the table does not have is no interrupt.
    void raise(unsigned vector) noexcept;
    // Signalled, it is raise(vector), until the table or the message control register is written
    // to; -1: while the vector is masked or is none.
    int line(unsigned vector) const noexcept;

    MsixState state() const;
    // Sets the lines' routes, which the host's next commit_routes() puts in force; raises nothing.
    void load(MsixState state, bool enabled, bool masked);
    // Raises what is pending and may be.
    void flush() noexcept;
    void reset() noexcept;

private:
    Msix() = default;
    MsiMessage message(std::size_t vector) const;
    bool may_raise(std::size_t vector) const;
    bool route(std::size_t vector);
    void deliver_all() noexcept;

    Host* host_ = nullptr;
    mutable std::mutex mutex_;
    bool enabled_ = false;
    bool masked_ = false;
    MsixState s_;
    std::vector<std::unique_ptr<MsiLine>> lines_;
    std::vector<MsiMessage> routed_;
};

} // namespace segue::vmm::pci

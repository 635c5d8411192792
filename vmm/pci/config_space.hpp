// SPDX-License-Identifier: Apache-2.0
// config_space.hpp - 256 bytes of registers, each bit writable or not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <segue/cpp/result.hpp>

namespace segue::vmm::pci {

struct Identity {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    std::uint16_t subsystem_vendor = 0;
    std::uint16_t subsystem = 0;
    std::uint32_t class_code = 0; // base class, sub-class, interface
    std::uint8_t revision = 0;
};

// PCI Local Bus Specification 3.0, chapter 6; offsets as in <linux/pci_regs.h>. Not thread-safe.
class ConfigSpace {
public:
    static constexpr std::size_t kBytes = 256;
    using Bytes = std::array<std::byte, kBytes>;

    // A type 0 header with the command register's memory, bus master and INTx bits writable.
    explicit ConfigSpace(const Identity& identity);

    // Little-endian; what is beyond the registers reads as ones.
    void read(std::size_t offset, std::span<std::byte> data) const;
    // Changes the bits that are writable.
    void write(std::size_t offset, std::span<const std::byte> data);
    template <class T>
    T get(std::size_t offset) const {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value = static_cast<T>(value | T{std::to_integer<T>(bytes_[offset + i])} << 8 * i);
        return value;
    }

    // The device's side: sets whatever is there. `writable`: the bits that the guest may change.
    template <class T>
    void set(std::size_t offset, T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            bytes_[offset + i] = static_cast<std::byte>(value >> 8 * i);
    }
    template <class T>
    void set(std::size_t offset, T value, T writable) {
        set(offset, value);
        for (std::size_t i = 0; i < sizeof(T); ++i)
            writable_[offset + i] = static_cast<std::byte>(writable >> 8 * i);
    }
    // `body`: what follows the id and the link to the next. Gives the capability's offset, 0 where
    // there is no room.
    std::uint8_t add_capability(std::uint8_t id, std::span<const std::byte> body);

    const Bytes& bytes() const { return bytes_; }
    // UNSUPPORTED naming the first offset where `saved` differs in a bit that no guest could have
    // changed: it is another device's. The status register's INTx bit may.
    Status fits(const Bytes& saved) const;
    void load(const Bytes& saved) { bytes_ = saved; }

private:
    Bytes bytes_ = {};
    Bytes writable_ = {};
    std::size_t next_capability_;
    std::size_t last_link_;
};

} // namespace segue::vmm::pci

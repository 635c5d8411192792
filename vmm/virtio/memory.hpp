// SPDX-License-Identifier: Apache-2.0
// memory.hpp - guest RAM as a device reaches it.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm::virtio {

// Every access is checked against the guest's RAM. The guest writes there at the same time, so what
// was read once is not read again to be believed. `ram` outlives it. [any]
class Memory {
public:
    explicit Memory(const GuestRam& ram)
        : ram_(ram) {}

    const GuestRam& ram() const { return ram_; }
    // Whether all of it is RAM, in one region or several that follow one another.
    bool contains(std::uint64_t at, std::uint64_t bytes) const noexcept;
    // False, and nothing done, where it is not all RAM.
    bool read(std::uint64_t at, std::span<std::byte> to) const noexcept;
    bool write(std::uint64_t at, std::span<const std::byte> from) const noexcept;
    // Appends the pieces that it has here. Who writes there says so afterwards.
    bool map(std::uint64_t at, std::uint64_t bytes, std::vector<iovec>& to) const;

    // One naturally aligned little-endian number, acquired or released: 0 or nothing where it is
    // not RAM, which whoever set the ring up has made sure of.
    template <class T>
    T load(std::uint64_t at) const noexcept {
        T* const p = number<T>(at);
        return p != nullptr ? std::atomic_ref<T>(*p).load(std::memory_order_acquire) : T{0};
    }
    template <class T>
    void store(std::uint64_t at, T value) const noexcept {
        if (T* const p = number<T>(at))
            store_at(p, value);
    }
    // What was written through map(), or emptied.
    void wrote(std::uint64_t at, std::uint64_t bytes) const noexcept;
    void wrote(const iovec& piece) const noexcept { ram_.wrote(piece.iov_base, piece.iov_len); }

private:
    template <class T>
    void store_at(T* p, T value) const noexcept {
        std::atomic_ref<T>(*p).store(value, std::memory_order_release);
        ram_.wrote(p, sizeof(T));
    }
    template <class T>
    T* number(std::uint64_t at) const noexcept {
        const auto there = ram_.from(at);
        return at % sizeof(T) == 0 && there.size() >= sizeof(T) ? reinterpret_cast<T*>(there.data())
                                                                : nullptr;
    }
    const GuestRam& ram_;
};

} // namespace segue::vmm::virtio

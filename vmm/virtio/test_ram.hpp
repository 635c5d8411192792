// SPDX-License-Identifier: Apache-2.0
// test_ram.hpp - a small guest's RAM in two regions that only the guest sees side by side.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "vmm/virtio/memory.hpp"

namespace segue::vmm::virtio {

class TestRam {
public:
    static constexpr std::uint64_t kRegion = 1 << 19;
    static constexpr std::uint64_t kBytes = 2 * kRegion;

    TestRam()
        : low_(kRegion / 8)
        , high_(kRegion / 8)
        , ram_({{{0, kRegion, 0, 0}, bytes(low_)}, {{kRegion, kRegion, 1, 0}, bytes(high_)}}) {}

    const GuestRam& ram() const { return ram_; }
    Memory memory() const { return Memory(ram_); }

    template <class T>
    void poke(std::uint64_t at, const T& value) {
        (void)memory().write(at, std::as_bytes(std::span(&value, 1)));
    }
    template <class T>
    T peek(std::uint64_t at) const {
        T value = {};
        (void)memory().read(at, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    void fill(std::uint64_t at, std::size_t n, std::uint8_t with) {
        const std::vector<std::uint8_t> data(n, with);
        (void)memory().write(at, std::as_bytes(std::span(data)));
    }
    std::string text(std::uint64_t at, std::size_t n) const {
        std::string s(n, 0);
        (void)memory().read(at, std::as_writable_bytes(std::span(s)));
        return s;
    }
    void put(std::uint64_t at, std::string_view s) {
        (void)memory().write(at, std::as_bytes(std::span(s)));
    }

private:
    using Words = std::vector<std::uint64_t>; // aligned for every number in a ring
    static std::byte* bytes(Words& words) { return reinterpret_cast<std::byte*>(words.data()); }
    Words low_, high_;
    GuestRam ram_;
};

} // namespace segue::vmm::virtio

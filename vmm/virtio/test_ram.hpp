// SPDX-License-Identifier: Apache-2.0
// test_ram.hpp - a small guest's RAM in two regions that only the guest sees side by side.
#pragma once

#include <sys/mman.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <segue/cpp/mapping.hpp>

#include "vmm/virtio/memory.hpp"

namespace segue::vmm::virtio {

class TestRam {
public:
    static constexpr std::uint64_t kRegion = 1 << 19;
    static constexpr std::uint64_t kBytes = 2 * kRegion;

    explicit TestRam(int sharing = MAP_SHARED)
        : low_(make(sharing))
        , high_(make(sharing))
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
    // A page that cannot be touched on either side, so that an overrun ends the test.
    static constexpr std::size_t kGuard = 4096;
    static Mapping make(int sharing) {
        auto map = Mapping::make(kRegion + 2 * kGuard, PROT_READ | PROT_WRITE,
                                 sharing | MAP_ANONYMOUS, -1, 0, "test RAM")
                       .value();
        (void)::mprotect(map.data(), kGuard, PROT_NONE);
        (void)::mprotect(map.data() + kGuard + kRegion, kGuard, PROT_NONE);
        return map;
    }
    static std::byte* bytes(const Mapping& map) { return map.data() + kGuard; }
    Mapping low_, high_;
    GuestRam ram_;
};

} // namespace segue::vmm::virtio

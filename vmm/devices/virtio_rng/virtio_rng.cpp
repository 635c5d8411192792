// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_rng/virtio_rng.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>

namespace segue::vmm {

void VirtioRng::read_config(std::uint32_t, std::span<std::byte> data) const {
    std::fill(data.begin(), data.end(), std::byte{0});
}

Result<bool> VirtioRng::serve(unsigned index, std::span<virtio::Queue> queues,
                              const virtio::Memory& memory) {
    virtio::Queue& queue = queues[index];
    return queue.drain(
        [] { return true; },
        [&](const virtio::Chain& chain) -> Status {
            if (chain.writable_bytes() == 0)
                return Error(Code::Corrupt, "an entropy request without room");
            std::array<std::byte, kMost> noise;
            const std::size_t wanted = std::min<std::uint64_t>(chain.writable_bytes(), kMost);
            // Fails only before the host's generator is ready; up to 256 bytes come
            // whole.
            const auto got = ::getrandom(noise.data(), wanted, 0);
            const auto n = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
            queue.push(chain, static_cast<std::uint32_t>(virtio::write(memory, chain.writable(), 0,
                                                                       std::span(noise).first(n))));
            return {};
        });
}

} // namespace segue::vmm

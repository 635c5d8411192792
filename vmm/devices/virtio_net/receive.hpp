// SPDX-License-Identifier: Apache-2.0
// receive.hpp - a frame on its way into the driver's buffers.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "vmm/virtio/queue.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.1.6.4. [device's worker]
class Receive {
public:
    // Writes `frame`, which begins with its virtio_net_hdr_v1, into one buffer, or, `merged`, into
    // as many as it takes. False: there is no room for it yet, and the driver will tell. One that
    // no buffer could hold is lost. CORRUPT: a buffer that nothing can be written to.
    Result<bool> deliver(std::span<std::byte> frame, bool merged, virtio::Queue& queue,
                         const virtio::Memory& memory);

private:
    Result<bool> collect(std::size_t bytes, bool merged, virtio::Queue& queue);
    void give_back(virtio::Queue& queue);

    std::vector<virtio::Filled> taken_; // within deliver()
    std::uint64_t room_ = 0;
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// queue_server.hpp - somebody outside the VMM who can serve a device's queues.
#pragma once

#include <segue/cpp/result.hpp>

#include "vmm/memory/guest_ram.hpp"
#include "vmm/virtio/state.hpp"

namespace segue::vmm::virtio {

// Event descriptors between a queue, its driver and its server.
struct Wires {
    int kick = -1;  // the driver has made something available
    int call = -1;  // the driver is to be told of what it got back
    int error = -1; // the driver has broken the ring
};

// The kernel's vhost, for instance. While it has a queue nobody else looks at the ring. Chosen by
// each generation for itself: what the guest sees and what is saved do not say who served. [any,
// with the device's lock]
class QueueServer {
public:
    virtual ~QueueServer() = default;
    QueueServer(const QueueServer&) = delete;
    QueueServer& operator=(const QueueServer&) = delete;

    // It could serve those with lower indices.
    virtual unsigned queues() const = 0;
    // For a driver that has accepted `features`; `ram` outlives the server. What may take its time
    // is done here, for an update before the pause. UNSUPPORTED: not for that driver. Costs nothing
    // the second time.
    virtual Status prepare(std::uint64_t features, const GuestRam& ram) = 0;
    // From state.position on; looks at once whether there is something to do.
    virtual Status start(unsigned queue, const QueueState& state, const Wires& wires) = 0;
    // Later calls go to `call`; none goes to the one before it any more.
    virtual Status rewire(unsigned queue, int call) = 0;
    // Everything that was taken has been given back: where the next one goes on.
    virtual Result<RingPosition> stop(unsigned queue) = 0;

protected:
    QueueServer() = default;
};

} // namespace segue::vmm::virtio

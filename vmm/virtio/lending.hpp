// SPDX-License-Identifier: Apache-2.0
// lending.hpp - which of a device's queues a server has, and the wires between them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <segue/cpp/unique_fd.hpp>

#include "vmm/virtio/queue_server.hpp"

namespace segue::vmm::virtio {

// All wires are of this generation. A kick's stays the same for good, so that KVM is told once; it
// is the worker's while the queue is not lent. A call goes to the worker, or past it to a
// descriptor that KVM turns into the interrupt. [with the device's lock, but for kick() and
// event(): any]
class Lending {
public:
    // Nothing is lent. `server` outlives it.
    static Result<std::unique_ptr<Lending>> create(QueueServer& server);

    // -1: the server could not have this queue.
    int kick(unsigned queue) const { return queue < all_.size() ? all_[queue].kick.get() : -1; }
    // Readable where hear() has something to say.
    int event() const { return epoll_.get(); }

    // See QueueServer::prepare(); where that fails, nothing is lent to the server.
    Status prepare(std::uint64_t features, const GuestRam& ram);
    bool may_lend(unsigned queue) const { return willing_ && queue < all_.size(); }
    bool is_lent(unsigned queue) const { return queue < all_.size() && all_[queue].lent; }
    // `line`: where calls are to go; -1: to the worker. After an error nothing is lent any more.
    Status lend(unsigned queue, const QueueState& state, int line);
    Status rewire(unsigned queue, int line);
    Result<RingPosition> take_back(unsigned queue);

    struct News {
        unsigned queue;
        enum { Kick, Call, Error } what;
    };
    // What has come to the worker.
    std::vector<News> hear();

private:
    struct Lent {
        UniqueFd kick, call, error;
        bool lent = false;
        int line = -1;
    };
    explicit Lending(QueueServer& server)
        : server_(server) {}
    Status listen(int event, std::uint32_t tag);
    int call_of(const Lent& one) const { return one.line < 0 ? one.call.get() : one.line; }

    QueueServer& server_;
    UniqueFd epoll_;
    bool willing_ = false;
    std::vector<Lent> all_; // by queue
};

} // namespace segue::vmm::virtio

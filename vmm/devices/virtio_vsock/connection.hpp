// SPDX-License-Identifier: Apache-2.0
// connection.hpp - one stream between a port of the guest's and a unix socket of the host's.
#pragma once

#include <linux/virtio_vsock.h>

#include <optional>

#include <segue/cpp/unique_fd.hpp>

#include "vmm/devices/virtio_vsock/state.hpp"
#include "vmm/virtio/chain.hpp"

namespace segue::vmm {

// Credit, shutdown and payload (virtio 1.2, 5.10.6); of rings and other connections it knows
// nothing. What the guest sends is written at once or kept, 64 KiB at most: it has no credit for
// more. What the host sends stays in its socket until the guest has credit and room.
// [with the device's lock]
class VsockConnection {
public:
    // Without a stream: of a generation that is not to run, or not yet.
    VsockConnection(VsockConnectionState state, UniqueFd stream)
        : s_(std::move(state))
        , stream_(std::move(stream)) {}

    const VsockConnectionState& state() const { return s_; }
    int stream() const { return stream_.get(); }

    // What epoll says of the stream, EPOLL*, each once.
    void happened(std::uint32_t events);
    // Reads the greeting on, "CONNECT PORT\n"; the port once it is complete. CLOSED: it is none.
    Result<std::optional<std::uint32_t>> greeted();
    void request(std::uint32_t host_port, std::uint32_t guest_port);

    // A packet of the guest's; `chain` has its payload behind the header. False: it may not say
    // this, the connection is to be reset.
    bool hear(const virtio_vsock_hdr& packet, const virtio::Chain& chain,
              const virtio::Memory& memory);

    // Whether next() may have something.
    bool has_to_say() const;
    // The next packet, its payload read into `chain` behind where the header belongs: op, flags and
    // len. False: nothing to say.
    bool next(virtio_vsock_hdr& packet, const virtio::Chain& chain, const virtio::Memory& memory);

    // Nothing is left to be done for either side.
    bool over() const;
    // The guest has reset it; what it had sent whole is still to be written.
    void lost_by_guest();
    // Whether the guest knows of it: it must be told of its end.
    bool known_to_guest() const;
    // Ends the stream for the host, whoever else has it open.
    void hang_up() noexcept;

    bool watched = false; // the stream is in the device's epoll
    bool queued = false;  // has its turn to come

private:
    bool reads_host() const;
    std::uint32_t credit() const;
    bool take_payload(std::uint32_t bytes, const virtio::Chain& chain,
                      const virtio::Memory& memory);
    std::size_t write_through(std::uint32_t bytes, const virtio::Chain& chain,
                              const virtio::Memory& memory);
    std::uint32_t read_host(const virtio::Chain& chain, const virtio::Memory& memory);
    void flush();
    void passed_on(std::size_t bytes);
    void host_shut(std::uint8_t flags);
    void guest_shut(std::uint8_t flags);

    VsockConnectionState s_;
    UniqueFd stream_;
    bool readable_ = false; // until it says that it is not
    bool hung_up_ = false;
};

} // namespace segue::vmm

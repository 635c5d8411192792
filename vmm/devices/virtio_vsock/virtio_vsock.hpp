// SPDX-License-Identifier: Apache-2.0
// virtio_vsock.hpp - sockets between the guest and the host.
#pragma once

#include <memory>
#include <string>

#include "vmm/devices/virtio_vsock/host_end.hpp"
#include "vmm/devices/virtio_vsock/table.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.10, stream sockets. A process of the host's that connects to the device's path and
// writes "CONNECT PORT\n" reads "OK ITS_PORT\n" and has a stream to that port of the guest; one
// that listens at the path with "_PORT" behind it gets what the guest connects to that port of CID
// 2. Who does not read, on either side, stops its own connection only.
class VirtioVsock final : public virtio::Model {
public:
    static constexpr const char* kName = "virtio-vsock";

    // The host's end outlives it.
    static Result<std::unique_ptr<VirtioVsock>> create(VsockConfig config, VsockHostEnd host);

    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override;
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory& memory) override;
    bool takes_requests(unsigned index) const override { return index == 1; } // what it sends
    int event() const override { return epoll_.get(); }
    void finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) override;
    void start(std::uint64_t) override { driver_ = true; }
    Status park() override;
    void unpark() noexcept override;
    void save(state::Writer& section, bool settled) const override;
    Status load(const state::Section& section) override;
    void reset() noexcept override;

private:
    static constexpr std::uint64_t kHost = 2;     // VMADDR_CID_HOST
    static constexpr std::uint64_t kListener = 0; // in epoll, where others have their id

    VirtioVsock(VsockConfig config, VsockHostEnd host, UniqueFd epoll);

    // To the guest.
    Result<bool> deliver(virtio::Queue& receive, const virtio::Memory& memory);
    std::uint32_t say_next(const virtio::Chain& chain, const virtio::Memory& memory);
    Status tell_reset(virtio::Queue& events, const virtio::Memory& memory);
    // Of the guest.
    void hear(const virtio::Chain& chain, const virtio::Memory& memory);
    void hear_stranger(const virtio_vsock_hdr& packet);
    void refuse(const virtio_vsock_hdr& packet);
    UniqueFd connect_to_host(std::uint32_t port) const;
    // Of the host.
    void take_callers();
    void greet(VsockConnection& connection);

    VsockConnection& add(VsockConnectionState state, UniqueFd stream);
    void look_after(VsockConnection& connection);
    void end(VsockConnection& connection);
    void watch(VsockConnection& connection) noexcept;
    Status take_streams(const VirtioVsockState& from, VsockTable& to) const;

    virtio::ModelFacts facts_;
    const VsockConfig config_;
    VsockHostEnd host_;
    UniqueFd epoll_;
    VirtioVsockState s_; // but for the connections
    VsockTable table_;
    bool driver_ = false;
    bool callers_ = false; // somebody may wait at the listening socket
};

} // namespace segue::vmm

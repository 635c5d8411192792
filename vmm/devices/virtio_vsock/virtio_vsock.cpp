// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/virtio_vsock.hpp"

#include <sys/epoll.h>

#include <algorithm>

#include <segue/cpp/socket.hpp>
#include <segue/cpp/sys.hpp>

#include "vmm/virtio/uapi.hpp"

namespace segue::vmm {

namespace {

enum QueueIndex : unsigned { Receive, Transmit, Events }; // 5.10.2
constexpr std::uint16_t kQueueSize = 256, kEventSize = 16;
constexpr std::uint32_t kClass = 0x078000; // communication
constexpr std::size_t kHeader = sizeof(virtio_vsock_hdr);
constexpr std::size_t kResets = 256; // unsaid; with more, what the guest sends waits (5.10.6.2)

} // namespace

VirtioVsock::VirtioVsock(VsockConfig config, VsockHostEnd host, UniqueFd epoll)
    : facts_{kName,  config.id, VirtioVsockState::kRevision,         VIRTIO_ID_VSOCK,
             kClass, 0,         {kQueueSize, kQueueSize, kEventSize}}
    , config_(std::move(config))
    , host_(host)
    , epoll_(std::move(epoll)) {}

Result<std::unique_ptr<VirtioVsock>> VirtioVsock::create(VsockConfig config, VsockHostEnd host) {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event e = {};
    e.events = EPOLLIN | EPOLLET;
    e.data.u64 = kListener;
    if (!epoll ||
        (host.listener >= 0 && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, host.listener, &e) != 0))
        return Error::from_errno(errno, "epoll for device '" + config.id + "'");
    return std::unique_ptr<VirtioVsock>(new VirtioVsock(std::move(config), host, std::move(epoll)));
}

void VirtioVsock::read_config(std::uint32_t at, std::span<std::byte> data) const {
    virtio::read_structure(config_.cid, at, data); // 5.10.4
}

// A guest whose sockets are to be reset says nothing that could be answered before it knows.
Result<bool> VirtioVsock::serve(unsigned index, std::span<virtio::Queue> queues,
                                const virtio::Memory& memory) {
    if (index == Events) {
        take_callers();
        return false;
    }
    SEGUE_TRY(tell_reset(queues[Events], memory));
    if (s_.tell_reset)
        return false;
    if (index == Receive)
        return deliver(queues[Receive], memory);
    const auto room = [this] { return s_.resets.size() < kResets; };
    SEGUE_ASSIGN(const bool more, queues[Transmit].drain(room, [&](const virtio::Chain& chain) {
        hear(chain, memory);
        queues[Transmit].push(chain, 0);
        return Status();
    }));
    const bool full = !room();
    SEGUE_ASSIGN(const bool to_say, deliver(queues[Receive], memory));
    return more || to_say || (full && room());
}

Result<bool> VirtioVsock::deliver(virtio::Queue& receive, const virtio::Memory& memory) {
    virtio::Chain chain;
    for (unsigned n = 0; n < kQueueSize; ++n) {
        if (s_.resets.empty() && !table_.anybody_waits())
            return false;
        SEGUE_ASSIGN(const bool got, receive.pop(chain));
        if (!got && !receive.listen(true))
            return false; // the driver tells when there is room
        if (!got)
            continue;
        if (chain.writable_bytes() <= kHeader)
            return Error(Code::Corrupt, "a receive buffer has no room for a packet");
        if (const std::uint32_t bytes = say_next(chain, memory); bytes != 0)
            receive.push(chain, bytes);
        else
            receive.untake(chain);
    }
    return true;
}

// How many bytes were written; 0: there is nothing to say.
std::uint32_t VirtioVsock::say_next(const virtio::Chain& chain, const virtio::Memory& memory) {
    virtio_vsock_hdr h = {};
    h.dst_cid = config_.cid;
    if (!s_.resets.empty()) {
        const VsockReset r = s_.resets.front();
        s_.resets.erase(s_.resets.begin());
        h.src_cid = r.host_cid;
        h.src_port = r.host_port;
        h.dst_port = r.guest_port;
        h.type = static_cast<std::uint16_t>(r.type);
        h.op = VIRTIO_VSOCK_OP_RST;
    } else {
        VsockConnection* c = table_.next_turn();
        while (c != nullptr && !c->next(h, chain, memory))
            c = table_.next_turn();
        if (c == nullptr)
            return 0;
        h.src_cid = kHost;
        h.src_port = c->state().host_port;
        h.dst_port = c->state().guest_port;
        h.type = VIRTIO_VSOCK_TYPE_STREAM;
        look_after(*c);
    }
    (void)virtio::write(memory, chain.writable(), 0, std::as_bytes(std::span(&h, 1)));
    return static_cast<std::uint32_t>(kHeader + h.len);
}

// 5.10.6.7
Status VirtioVsock::tell_reset(virtio::Queue& events, const virtio::Memory& memory) {
    virtio::Chain chain;
    while (s_.tell_reset) {
        SEGUE_ASSIGN(const bool got, events.pop(chain));
        if (!got && !events.listen(true))
            return {};
        if (!got)
            continue;
        const virtio_vsock_event e = {VIRTIO_VSOCK_EVENT_TRANSPORT_RESET};
        const auto n = virtio::write(memory, chain.writable(), 0, std::as_bytes(std::span(&e, 1)));
        events.push(chain, static_cast<std::uint32_t>(n));
        s_.tell_reset = n != sizeof e;
    }
    return {};
}

// Packets of another sender than the guest, or without a header, are of nobody's (5.10.6.4).
void VirtioVsock::hear(const virtio::Chain& chain, const virtio::Memory& memory) {
    virtio_vsock_hdr h = {};
    if (virtio::read(memory, chain.readable(), 0, std::as_writable_bytes(std::span(&h, 1))) !=
            sizeof h ||
        h.src_cid != config_.cid)
        return;
    if (h.dst_cid != kHost || h.type != VIRTIO_VSOCK_TYPE_STREAM)
        return refuse(h);
    VsockConnection* const c = table_.find(h.dst_port, h.src_port);
    if (c == nullptr)
        return hear_stranger(h);
    if (h.op == VIRTIO_VSOCK_OP_RST) {
        c->lost_by_guest();
        table_.index(*c);
    } else if ((h.op == VIRTIO_VSOCK_OP_RW && h.len > chain.readable_bytes() - sizeof h) ||
               !c->hear(h, chain, memory)) {
        return end(*c);
    }
    look_after(*c);
}

// A request, or what was meant for a connection that is no more.
void VirtioVsock::hear_stranger(const virtio_vsock_hdr& packet) {
    if (packet.op != VIRTIO_VSOCK_OP_REQUEST || table_.full())
        return refuse(packet);
    UniqueFd stream = connect_to_host(packet.dst_port);
    if (!stream)
        return refuse(packet);
    VsockConnectionState s;
    s.stage = VsockStage::Open;
    s.host_port = packet.dst_port;
    s.guest_port = packet.src_port;
    s.guest_room = packet.buf_alloc;
    s.guest_took = packet.fwd_cnt;
    s.say = kSayResponse;
    look_after(add(std::move(s), std::move(stream)));
}

void VirtioVsock::refuse(const virtio_vsock_hdr& packet) {
    if (packet.op != VIRTIO_VSOCK_OP_RST)
        s_.resets.push_back({packet.dst_cid, packet.dst_port, packet.src_port, packet.type});
}

// A listener whose backlog is full refuses, as nobody would: to wait would stop the device.
UniqueFd VirtioVsock::connect_to_host(std::uint32_t port) const {
    const auto to = sys::unix_address(path_of_port(config_, port));
    if (!to)
        return {};
    auto stream = sys::unix_connect(*to);
    return stream ? std::move(*stream) : UniqueFd();
}

} // namespace segue::vmm

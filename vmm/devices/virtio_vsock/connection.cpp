// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/connection.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <span>
#include <string>
#include <utility>

#include <segue/cpp/sys.hpp>

#include "vmm/devices/virtio_vsock/greeting.hpp"

namespace segue::vmm {

namespace {

constexpr std::size_t kHeader = sizeof(virtio_vsock_hdr);
constexpr std::uint32_t kRoom = VsockConnectionState::kRoom;
constexpr std::uint8_t kReceive = VIRTIO_VSOCK_SHUTDOWN_RCV, kSend = VIRTIO_VSOCK_SHUTDOWN_SEND;

std::vector<iovec> pieces(const virtio::Memory& memory, const std::vector<virtio::Segment>& in,
                          std::uint64_t bytes) {
    std::vector<iovec> v;
    (void)virtio::map(memory, in, kHeader, bytes, v);
    v.resize(std::min<std::size_t>(v.size(), IOV_MAX));
    return v;
}

msghdr message(std::vector<iovec>& v) {
    msghdr m = {};
    m.msg_iov = v.data();
    m.msg_iovlen = v.size();
    return m;
}

// Its end of a stream, which is then no half of one; epoll may tell later.
bool has_hung_up(int stream) {
    pollfd p = {stream, 0, 0};
    return ::poll(&p, 1, 0) > 0;
}

} // namespace

void VsockConnection::happened(std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        readable_ = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0)
        hung_up_ = true;
    if ((events & EPOLLOUT) != 0)
        flush();
    if (hung_up_ && !reads_host() &&
        (s_.stage == VsockStage::Open || s_.stage == VsockStage::Draining))
        host_shut(kReceive | kSend);
}

Result<std::optional<std::uint32_t>> VsockConnection::greeted() {
    return read_greeting(stream_.get(), s_.line);
}

void VsockConnection::request(std::uint32_t host_port, std::uint32_t guest_port) {
    s_.stage = VsockStage::Requested;
    s_.host_port = host_port;
    s_.guest_port = guest_port;
    s_.line.clear();
    s_.say = kSayRequest;
}

bool VsockConnection::hear(const virtio_vsock_hdr& packet, const virtio::Chain& chain,
                           const virtio::Memory& memory) {
    if (packet.fwd_cnt != s_.guest_took || packet.buf_alloc != s_.guest_room)
        s_.asked = false;
    s_.guest_took = packet.fwd_cnt;
    s_.guest_room = packet.buf_alloc;
    if (s_.stage == VsockStage::Requested) {
        if (packet.op != VIRTIO_VSOCK_OP_RESPONSE || (s_.say & kSayRequest) != 0)
            return false;
        s_.stage = VsockStage::Open;
        const std::string line = "OK " + std::to_string(s_.host_port) + "\n";
        // A socket that nothing was written to yet has room for it.
        (void)::send(stream_.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return true;
    }
    switch (packet.op) {
    case VIRTIO_VSOCK_OP_RW:
        return take_payload(packet.len, chain, memory);
    case VIRTIO_VSOCK_OP_SHUTDOWN:
        guest_shut(static_cast<std::uint8_t>(packet.flags & (kReceive | kSend)));
        return true;
    case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
        s_.say |= kSayCredit;
        return true;
    case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
        return true;
    default:
        return false;
    }
}

bool VsockConnection::take_payload(std::uint32_t bytes, const virtio::Chain& chain,
                                   const virtio::Memory& memory) {
    if ((s_.guest_shut & kSend) != 0 || bytes > kRoom - s_.output.size())
        return false;
    const std::size_t before = s_.output.size();
    std::size_t written = 0;
    if (before == 0 && bytes != 0 && (s_.host_shut & kReceive) == 0)
        written = write_through(bytes, chain, memory);
    if ((s_.host_shut & kReceive) != 0) {
        passed_on(bytes); // nobody reads it
        return true;
    }
    s_.output.resize(before + bytes - written);
    (void)virtio::read(memory, chain.readable(), kHeader + written,
                       std::span(s_.output).subspan(before));
    passed_on(written);
    flush(); // until the socket is full, or epoll has nothing to tell
    return true;
}

std::size_t VsockConnection::write_through(std::uint32_t bytes, const virtio::Chain& chain,
                                           const virtio::Memory& memory) {
    auto v = pieces(memory, chain.readable(), bytes);
    const msghdr m = message(v);
    const auto n =
        sys::retry([&] { return ::sendmsg(stream_.get(), &m, MSG_DONTWAIT | MSG_NOSIGNAL); });
    if (n < 0 && errno != EAGAIN)
        host_shut(kReceive);
    return static_cast<std::size_t>(std::max<ssize_t>(n, 0));
}

void VsockConnection::flush() {
    while (!s_.output.empty()) {
        const auto n = sys::retry([&] {
            return ::send(stream_.get(), s_.output.data(), s_.output.size(),
                          MSG_DONTWAIT | MSG_NOSIGNAL);
        });
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            return host_shut(kReceive);
        s_.output.erase(s_.output.begin(), s_.output.begin() + n);
        passed_on(static_cast<std::size_t>(n));
    }
    if ((s_.guest_shut & kSend) != 0)
        (void)::shutdown(stream_.get(), SHUT_WR);
}

// 5.10.6.3: the guest knows of room by what it was told. It is told anew where it knows of less
// than half, and of enough to be worth a packet; or of none.
void VsockConnection::passed_on(std::size_t bytes) {
    s_.passed_on += static_cast<std::uint32_t>(bytes);
    const std::uint32_t news = s_.passed_on - s_.told;
    const std::size_t known = kRoom - std::min<std::size_t>(kRoom, s_.output.size() + news);
    if ((known < kRoom / 2 && news >= kRoom / 8) || (known == 0 && news != 0))
        s_.say |= kSayCredit;
}

void VsockConnection::host_shut(std::uint8_t flags) {
    if ((flags & ~s_.host_shut) == 0)
        return;
    s_.host_shut |= flags;
    s_.say |= kSayShutdown;
    if ((flags & kReceive) == 0)
        return;
    const std::size_t unread = s_.output.size();
    s_.output.clear();
    passed_on(unread);
}

void VsockConnection::guest_shut(std::uint8_t flags) {
    s_.guest_shut |= flags;
    if ((flags & kReceive) != 0)
        (void)::shutdown(stream_.get(), SHUT_RD);
    if ((flags & kSend) != 0)
        flush();
}

bool VsockConnection::reads_host() const {
    return s_.stage == VsockStage::Open && (s_.guest_shut & kReceive) == 0 &&
           (s_.host_shut & kSend) == 0;
}

// 5.10.6.3. A guest that says it took more than it was sent gets nothing.
std::uint32_t VsockConnection::credit() const {
    const std::uint32_t on_its_way = s_.sent - s_.guest_took;
    return on_its_way < s_.guest_room ? s_.guest_room - on_its_way : 0;
}

bool VsockConnection::has_to_say() const {
    const bool listens = s_.stage == VsockStage::Open || s_.stage == VsockStage::Requested;
    return listens && (s_.say != 0 || (reads_host() && readable_ && (credit() != 0 || !s_.asked)));
}

bool VsockConnection::next(virtio_vsock_hdr& packet, const virtio::Chain& chain,
                           const virtio::Memory& memory) {
    packet.flags = packet.len = 0;
    const auto take = [this](std::uint8_t what) {
        const bool there = (s_.say & what) != 0;
        s_.say &= static_cast<std::uint8_t>(~what);
        return there;
    };
    if (take(kSayRequest))
        packet.op = VIRTIO_VSOCK_OP_REQUEST;
    else if (take(kSayResponse))
        packet.op = VIRTIO_VSOCK_OP_RESPONSE;
    else if (const std::uint32_t bytes = read_host(chain, memory); bytes != 0) {
        packet.op = VIRTIO_VSOCK_OP_RW;
        packet.len = bytes;
    } else if (take(kSayShutdown)) {
        packet.op = VIRTIO_VSOCK_OP_SHUTDOWN;
        packet.flags = s_.host_shut;
    } else if (reads_host() && readable_ && !std::exchange(s_.asked, true))
        packet.op = VIRTIO_VSOCK_OP_CREDIT_REQUEST;
    else if (take(kSayCredit))
        packet.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
    else
        return false;
    take(kSayCredit); // every packet says it
    packet.buf_alloc = kRoom;
    packet.fwd_cnt = s_.told = s_.passed_on;
    return true;
}

std::uint32_t VsockConnection::read_host(const virtio::Chain& chain, const virtio::Memory& memory) {
    if (!reads_host() || !readable_ || credit() == 0)
        return 0;
    auto v = pieces(memory, chain.writable(),
                    std::min<std::uint64_t>(credit(), chain.writable_bytes() - kHeader));
    msghdr m = message(v);
    const auto n = sys::retry([&] { return ::recvmsg(stream_.get(), &m, MSG_DONTWAIT); });
    if (n < 0 && errno == EAGAIN)
        readable_ = false;
    else if (n == 0)
        host_shut(has_hung_up(stream_.get()) ? kSend | kReceive : kSend);
    else if (n < 0)
        host_shut(kSend | kReceive);
    const auto bytes = static_cast<std::uint32_t>(std::max<ssize_t>(n, 0));
    s_.sent += bytes;
    return bytes;
}

bool VsockConnection::over() const {
    switch (s_.stage) {
    case VsockStage::Open:
        return s_.guest_shut == (kReceive | kSend) && s_.output.empty();
    case VsockStage::Draining:
        return s_.output.empty();
    default:
        return hung_up_;
    }
}

void VsockConnection::lost_by_guest() {
    if (s_.stage != VsockStage::Open || (s_.guest_shut & kSend) == 0)
        s_.output.clear();
    s_.stage = VsockStage::Draining;
    s_.say = 0;
}

bool VsockConnection::known_to_guest() const {
    return s_.stage == VsockStage::Open ||
           (s_.stage == VsockStage::Requested && (s_.say & kSayRequest) == 0);
}

void VsockConnection::hang_up() noexcept {
    (void)::shutdown(stream_.get(), SHUT_RDWR);
    stream_.reset();
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/virtio_net.hpp"

#include <linux/if_tun.h>
#include <sys/epoll.h>

#include <array>
#include <climits>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "vmm/devices/virtio_net/control.hpp"
#include "vmm/devices/virtio_net/features.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint16_t kQueueSize = 256, kControlSize = 64;
constexpr std::uint32_t kClass = 0x020000; // network, Ethernet
constexpr std::size_t kHeader = sizeof(virtio_net_hdr_v1);
constexpr int kBatch = 256; // frames of a pair before another pair has its turn
constexpr std::uint32_t kAnnouncer = UINT32_MAX; // in epoll_, beside the pairs

std::uint64_t features_of(const NetConfig& config) {
    std::uint64_t f = bit(VIRTIO_NET_F_MAC) | bit(VIRTIO_NET_F_STATUS) |
                      bit(VIRTIO_NET_F_MRG_RXBUF) | bit(VIRTIO_NET_F_CTRL_VQ) |
                      bit(VIRTIO_NET_F_CTRL_MAC_ADDR) | bit(VIRTIO_NET_F_GUEST_ANNOUNCE);
    if (config.offloads)
        f |= kLeftToGuest | kLeftToHost | bit(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
    if (config.queues > 1)
        f |= bit(VIRTIO_NET_F_MQ);
    if (config.mtu != 0)
        f |= bit(VIRTIO_NET_F_MTU);
    return f;
}

std::vector<std::uint16_t> queues_of(const NetConfig& config) {
    std::vector<std::uint16_t> sizes(std::size_t{2} * config.queues, kQueueSize);
    sizes.push_back(kControlSize);
    return sizes;
}

unsigned tap_flags(std::uint64_t offloads) {
    constexpr std::pair<unsigned, unsigned> kFlags[] = {{VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM},
                                                        {VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
                                                        {VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
                                                        {VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN},
                                                        {VIRTIO_NET_F_GUEST_UFO, TUN_F_UFO}};
    unsigned flags = 0;
    for (const auto& [feature, flag] : kFlags)
        if ((offloads & bit(feature)) != 0)
            flags |= flag;
    return flags;
}

} // namespace

VirtioNet::VirtioNet(const NetConfig& config, Tap tap, std::unique_ptr<VhostNet> vhost,
                     UniqueFd epoll, Announcer announcer)
    : facts_{kName,
             config.id,
             NetState::kRevision,
             VIRTIO_ID_NET,
             kClass,
             features_of(config),
             queues_of(config),
             config.packed ? 0 : bit(VIRTIO_F_RING_PACKED)}
    , config_(config)
    , tap_(std::move(tap))
    , vhost_(std::move(vhost))
    , epoll_(std::move(epoll))
    , announcer_(std::move(announcer))
    , listed_(config.queues)
    , watched_(config.queues)
    , frame_(NetState::kMaxFrame) {
    s_.burnt_in = config.mac;
    reset();
}

Result<std::unique_ptr<VirtioNet>> VirtioNet::create(const NetConfig& config, Tap tap,
                                                     std::unique_ptr<VhostNet> vhost) {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll)
        return Error::from_errno(errno, "epoll for device '" + config.id + "'");
    SEGUE_ASSIGN(Announcer announcer, Announcer::create());
    epoll_event e = {};
    e.events = EPOLLIN;
    e.data.u32 = kAnnouncer;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, announcer.event(), &e) != 0)
        return Error::from_errno(errno, "epoll for device '" + config.id + "'");
    return std::unique_ptr<VirtioNet>(new VirtioNet(config, std::move(tap), std::move(vhost),
                                                    std::move(epoll), std::move(announcer)));
}

void VirtioNet::read_config(std::uint32_t at, std::span<std::byte> data) const {
    virtio_net_config c = {};
    std::memcpy(c.mac, s_.mac.data(), s_.mac.size());
    c.status = VIRTIO_NET_S_LINK_UP | (s_.announce ? VIRTIO_NET_S_ANNOUNCE : 0);
    c.max_virtqueue_pairs = static_cast<std::uint16_t>(config_.queues);
    c.mtu = static_cast<std::uint16_t>(config_.mtu);
    virtio::read_structure(c, at, data);
}

// Behind the pairs that the driver knows of (5.1.2).
unsigned VirtioNet::control_queue() const {
    return 2 * (has(VIRTIO_NET_F_MQ) ? config_.queues : 1);
}

Result<bool> VirtioNet::serve(unsigned index, std::span<virtio::Queue> queues,
                              const virtio::Memory& memory) {
    if (tell_tap_)
        tell_tap();
    virtio::Queue& queue = queues[index];
    const auto always = [] { return true; };
    if (index > control_queue())
        return false;
    if (index == control_queue()) {
        SEGUE_ASSIGN(const bool more, queue.drain(always, [&](const virtio::Chain& chain) {
            return obey_driver(chain, queue, memory);
        }));
        return std::exchange(other_queues_, false) || more;
    }
    if (index % 2 == 0)
        return receive(index / 2, queue, memory);
    return queue.drain(always, [&](const virtio::Chain& chain) -> Status {
        SEGUE_TRY(send(index / 2, chain, memory));
        queue.push(chain, 0);
        return {};
    });
}

Result<bool> VirtioNet::receive(unsigned pair, virtio::Queue& queue, const virtio::Memory& memory) {
    std::vector<std::byte>& waiting = s_.waiting[pair];
    for (int n = 0; n < kBatch; ++n) {
        // No room, and the driver will tell.
        if (!queue.listen(false) && !queue.listen(true))
            return false;
        const auto frame = waiting.empty() ? read_frame(pair) : std::span(waiting);
        if (frame.empty())
            return false;
        SEGUE_ASSIGN(const bool delivered,
                     to_driver_.deliver(frame, has(VIRTIO_NET_F_MRG_RXBUF), queue, memory));
        if (!delivered) {
            if (waiting.empty())
                waiting.assign(frame.begin(), frame.end());
            return false;
        }
        waiting.clear();
    }
    return true;
}

// The tap's next; empty where there is none, and epoll_ will tell.
std::span<std::byte> VirtioNet::read_frame(unsigned pair) {
    if (pair >= s_.pairs || watched_[pair])
        return {};
    const auto n = sys::retry([&] { return ::read(tap_.fds[pair], frame_.data(), frame_.size()); });
    if (n >= static_cast<ssize_t>(kHeader))
        return std::span(frame_).first(static_cast<std::size_t>(n));
    if (n < 0 && errno == EAGAIN)
        watch(pair);
    else
        warn("gives no frames", n < 0 ? errno : EIO);
    return {};
}

// Once: who has been told reads until there is nothing more.
void VirtioNet::watch(unsigned pair) {
    epoll_event e = {};
    e.events = EPOLLIN | EPOLLONESHOT;
    e.data.u32 = pair;
    const int how = listed_[pair] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    listed_[pair] = watched_[pair] = ::epoll_ctl(epoll_.get(), how, tap_.fds[pair], &e) == 0;
}

void VirtioNet::finish(std::span<virtio::Queue>, const virtio::Memory&) {
    std::array<epoll_event, 8> told;
    const int n = ::epoll_wait(epoll_.get(), told.data(), static_cast<int>(told.size()), 0);
    for (int i = 0; i < n; ++i) {
        const std::uint32_t pair = told[static_cast<std::size_t>(i)].data.u32;
        if (pair == kAnnouncer)
            announce();
        else
            watched_[pair] = false;
    }
}

// What this does not reach, the next round may.
void VirtioNet::announce() {
    if (!announcer_.is_due())
        return;
    const Announcement frame = announcement_of(s_.mac);
    (void)sys::retry([&] { return ::write(tap_.fds[0], frame.data(), frame.size()); });
    s_.announce = tell_driver_ = has(VIRTIO_NET_F_GUEST_ANNOUNCE);
}

// What the tap does not take is lost, as on any wire: because it is down, or the frame is none.
Status VirtioNet::send(unsigned pair, const virtio::Chain& chain, const virtio::Memory& memory) {
    const std::uint64_t bytes = chain.readable_bytes();
    pieces_.clear();
    if (bytes < kHeader || bytes > NetState::kMaxFrame ||
        !virtio::map(memory, chain.readable(), 0, bytes, pieces_) || pieces_.size() > IOV_MAX)
        return Error(Code::Corrupt, "a frame of " + std::to_string(bytes) + " bytes in " +
                                        std::to_string(pieces_.size()) + " pieces");
    const auto n = sys::retry(
        [&] { return ::writev(tap_.fds[pair], pieces_.data(), static_cast<int>(pieces_.size())); });
    if (n < 0 && errno != EINVAL) // which is the guest's mistake
        warn("takes no frames", errno);
    return {};
}

Status VirtioNet::obey_driver(const virtio::Chain& chain, virtio::Queue& queue,
                              const virtio::Memory& memory) {
    const unsigned pairs = s_.pairs;
    SEGUE_ASSIGN(const std::uint32_t written, obey(chain, memory, features_, config_.queues, s_));
    tell_tap();
    other_queues_ = other_queues_ || s_.pairs != pairs;
    queue.push(chain, written);
    return {};
}

void VirtioNet::tell_tap() {
    tell_tap_ = false;
    if (config_.offloads)
        if (const Status s = set_offloads(tap_, tap_flags(s_.offloads)); !s)
            warn("leaves nothing to the guest", s.error().sys_errno());
    use_queues(tap_, s_.pairs);
    if (std::exchange(s_.fresh, false))
        discard();
}

void VirtioNet::discard() {
    for (unsigned pair = 0; pair < s_.pairs; ++pair)
        for (int n = 0; n<100 * kBatch&& ::read(tap_.fds[pair], frame_.data(), kHeader)> 0; ++n)
            continue;
}

void VirtioNet::warn(const char* what, int why) {
    if (!std::exchange(warned_, true))
        log::warn("device '" + facts_.id + "': the tap " + what + ": " + std::strerror(why) +
                  "; further problems are not shown");
}

void VirtioNet::start(std::uint64_t features) {
    features_ = features;
    if (!s_.fresh)
        return;
    s_.offloads = features & kLeftToGuest;
    tell_tap_ = true;
}

Status VirtioNet::load(const state::Section& section) {
    SEGUE_ASSIGN(s_, NetState::read(section, config_.queues));
    tell_tap_ = elsewhere_ = tap_.reopened;
    return {};
}

void VirtioNet::unpark() noexcept {
    if (std::exchange(elsewhere_, false))
        announcer_.begin();
}

void VirtioNet::reset() noexcept {
    const Mac burnt_in = s_.burnt_in;
    s_ = NetState();
    s_.burnt_in = s_.mac = burnt_in;
    s_.waiting.resize(config_.queues);
    features_ = 0;
}

} // namespace segue::vmm

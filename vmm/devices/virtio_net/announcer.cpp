// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/announcer.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/if_arp.h>

#include <arpa/inet.h>
#include <cstring>

namespace segue::vmm {

namespace {

constexpr long kMillisecond = 1'000'000;      // ns
constexpr long kBetween = 150 * kMillisecond; // rounds

// RFC 826, 903: of Ethernet and IPv4 addresses.
struct [[gnu::packed]] Reverse {
    virtio_net_hdr_v1 header;
    ethhdr link;
    arphdr arp;
    unsigned char sender[ETH_ALEN], sender_ip[4], target[ETH_ALEN], target_ip[4];
};

} // namespace

Result<Announcer> Announcer::create() {
    UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer)
        return Error::from_errno(errno, "timerfd_create");
    return Announcer(std::move(timer));
}

void Announcer::begin() noexcept {
    left_ = kRounds;
    set({{0, kBetween}, {0, 1}});
}

bool Announcer::is_due() {
    std::uint64_t times = 0;
    if (left_ == 0 || ::read(timer_.get(), &times, sizeof times) != sizeof times)
        return false;
    if (--left_ == 0)
        set({});
    return true;
}

void Announcer::set(const itimerspec& when) noexcept {
    (void)::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

Announcement announcement_of(const Mac& mac) {
    Reverse r = {};
    std::memset(r.link.h_dest, 0xff, ETH_ALEN);
    std::memcpy(r.link.h_source, mac.data(), ETH_ALEN);
    r.link.h_proto = htons(ETH_P_RARP);
    r.arp = {htons(ARPHRD_ETHER), htons(ETH_P_IP), ETH_ALEN, sizeof r.sender_ip,
             htons(ARPOP_RREQUEST)};
    std::memcpy(r.sender, mac.data(), ETH_ALEN);
    std::memcpy(r.target, mac.data(), ETH_ALEN);
    Announcement frame = {};
    static_assert(sizeof r <= sizeof frame);
    std::memcpy(frame.data(), &r, sizeof r);
    return frame;
}

} // namespace segue::vmm

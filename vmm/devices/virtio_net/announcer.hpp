// SPDX-License-Identifier: Apache-2.0
// announcer.hpp - tells a network that is new to a card where that card is.
#pragma once

#include <sys/timerfd.h>

#include <array>
#include <cstddef>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "vmm/devices/virtio_net/mac.hpp"
#include "vmm/devices/virtio_net/uapi.hpp"

namespace segue::vmm {

// The pace of the rounds; one alone may be lost in a switch that has just seen its link come up.
// One thread at a time.
class Announcer {
public:
    static constexpr unsigned kRounds = 5;

    static Result<Announcer> create();

    // Readable when a round is due.
    int event() const { return timer_.get(); }
    // The first is due at once.
    void begin() noexcept;
    // Whether one is; once each.
    bool is_due();

private:
    explicit Announcer(UniqueFd timer)
        : timer_(std::move(timer)) {}
    void set(const itimerspec& when) noexcept;
    UniqueFd timer_;
    unsigned left_ = 0;
};

// With its header: a request reverse (RFC 903) of a card for its own address, to everybody. Whoever
// forwards it has learnt where the card is; nobody answers.
using Announcement = std::array<std::byte, sizeof(virtio_net_hdr_v1) + ETH_ZLEN>;
Announcement announcement_of(const Mac& mac);

} // namespace segue::vmm

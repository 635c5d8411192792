// SPDX-License-Identifier: Apache-2.0
// sender.hpp - sends RAM in rounds while the guest writes it, and the rest while it stands still.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include <segue/cpp/dirty.hpp>
#include <segue/cpp/update.hpp>

#include "extents.hpp"
#include "settings.hpp"
#include "team.hpp"

namespace precopy {

// A page always goes over the same channel, so that what was sent of it last arrives last. [update;
// each channel's part on a thread of its own]
class Sender {
public:
    Sender(const segue::Host& host, const Settings& settings, const Team& team,
           std::vector<segue::UpdateChannel> data, std::vector<segue_block> blocks);

    // Until what is left can be sent within the limit. REFUSED: the guest writes too fast.
    segue::Status rounds();
    // What is left, the guest standing still.
    segue::Status last_round();

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::uint64_t kPage = 4096;
    static constexpr unsigned kLast = 0; // round, which are counted from 1
    // What is taken and sent at a time, and stays on one channel. At most what put_pages() sends as
    // one run: it asks no file for the holes of so little.
    static constexpr std::uint64_t kStripe = 1024; // pages

    struct Pace {
        Clock::time_point began;
        std::uint64_t copied = 0; // by all channels, when the round began
    };
    segue::Result<std::uint64_t> look() const;
    segue::Status send(unsigned round, std::uint64_t bytes);
    segue::Status send_part(unsigned round, unsigned channel);
    segue::Status send_run(unsigned channel, segue_pages run, Extents* extents);
    segue::Status keep_pace(const Pace& pace);
    segue::Status end_pages() const;
    std::chrono::microseconds time_for(std::uint64_t bytes) const;
    std::string prospects(std::uint64_t left) const;
    segue::Error too_fast(std::uint64_t left) const;

    segue::Host host_;
    segue::Update update_;
    segue::DirtyLog log_;
    Settings settings_;
    const Team& team_;
    std::vector<segue::UpdateChannel> data_;
    std::vector<segue_block> blocks_;
    std::atomic<std::uint64_t> sent_{0};   // bytes, in all rounds
    std::atomic<std::uint64_t> copied_{0}; // of them not in holes
    std::atomic<std::uint64_t> total_{0};  // with what was left when the round began
    std::atomic<std::uint64_t> napped_{0}; // ns, in this round, of all channels
    double rate_ = 0;                      // bytes a second, of the last round that was long enough
};

} // namespace precopy

// SPDX-License-Identifier: Apache-2.0
// sender.hpp - sends RAM in rounds while the guest writes it, and the rest while it stands still.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include <segue/cpp/dirty.hpp>
#include <segue/cpp/plugin.hpp>
#include <segue/cpp/update.hpp>

#include "plugins/modes/common/extents.hpp"
#include "plugins/modes/common/pacer.hpp"
#include "plugins/modes/common/team.hpp"

namespace segue::modes {

// How fast, and how long.
struct Pacing {
    std::uint64_t bandwidth = 0;        // bytes a second; 0: no limit
    std::chrono::microseconds limit{0}; // of the pause that the last round may make
    unsigned max_rounds = 0;
    std::chrono::microseconds max_time{0}; // for all of them; 0: any
    bool throttle = false;                 // the guest, where it writes too fast

    // Of options "bandwidth", "downtime_limit" and "max_rounds".
    static Result<Pacing> read(const Config& config);
};

// Why the rounds ended.
enum class Ended {
    Fits,    // what is left can be sent within the limit
    TooSlow, // not after so many rounds, or so much time
    Asked    // somebody wants the guest on the new side now
};

// A page always goes over the same channel, so that what was sent of it last arrives last. [update;
// each channel's part on a thread of its own]
class Sender {
public:
    Sender(const Host& host, const Pacing& pacing, const Team& team,
           std::vector<UpdateChannel> data, std::vector<segue_block> blocks);

    Result<Ended> rounds();
    // What is left, the guest standing still.
    Status last_round();
    // No more pages, on each channel.
    Status end_pages() const;
    // That the rounds were too slow, in words.
    std::string too_slow() const;

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::uint64_t kPage = 4096;
    static constexpr unsigned kLast = 0; // round, which are counted from 1
    // What is taken and sent at a time, and stays on one channel. At most what put_pages() sends as
    // one run: it asks no file for the holes of so little.
    static constexpr std::uint64_t kStripe = 1024; // pages

    Result<std::uint64_t> look();
    Status send(unsigned round, std::uint64_t bytes);
    Status send_part(unsigned round, unsigned channel);
    Status send_run(unsigned channel, segue_pages run, Extents* extents);
    Status keep_pace();
    std::chrono::microseconds time_for(std::uint64_t bytes) const;
    std::string prospects() const;
    Status throttle_more(std::uint64_t sent);
    Result<bool> interrupted();

    Host host_;
    Update update_;
    DirtyLog log_;
    Pacing pacing_;
    Pacer pacer_;
    const Team& team_;
    std::vector<UpdateChannel> data_;
    std::vector<segue_block> blocks_;
    std::atomic<std::uint64_t> sent_{0};               // bytes, in all rounds
    std::atomic<std::uint64_t> copied_{0};             // of them not in holes
    std::atomic<std::uint64_t> total_{0};              // with what was left when the round began
    std::uint64_t before_ = 0;                         // copied_, when the round began
    std::atomic<std::uint64_t> napped_{0};             // ns, in this round, of all channels
    Clock::time_point due_ = Clock::time_point::max(); // for the rounds to end
    unsigned round_ = 0;                               // the last
    std::uint64_t left_ = 0;                           // bytes, after it
    std::atomic<bool> asked_{false}, late_{false};
    unsigned throttled_ = 0; // percent
    double rate_ = 0;        // bytes a second, of the last round that was long enough
};

} // namespace segue::modes

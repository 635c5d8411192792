// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/sender.hpp"

#include <algorithm>

#include <segue/cpp/throttle.hpp>

namespace segue::modes {

namespace {

// Shorter rounds say more of their overheads than of the channels.
constexpr std::uint64_t kMeasured = 1u << 20; // bytes

// Of the time that vCPUs are kept out of the guest; QEMU's cpu-throttle-initial and -increment.
constexpr unsigned kFirstThrottle = 20, kMoreThrottle = 10; // percent

// The guest stands still for more than the bytes: vCPUs are stopped, state is saved and loaded.
std::chrono::microseconds for_bytes(std::chrono::microseconds limit) {
    return limit * 3 / 4;
}

std::string mib(std::uint64_t bytes) {
    return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

} // namespace

Result<Pacing> Pacing::read(const Config& config) {
    SEGUE_ASSIGN(const std::uint64_t bandwidth, config.number("bandwidth"));
    SEGUE_ASSIGN(const std::uint64_t limit, config.number("downtime_limit"));
    SEGUE_ASSIGN(const std::uint64_t rounds, config.number("max_rounds"));
    return Pacing{bandwidth, std::chrono::microseconds(limit), static_cast<unsigned>(rounds)};
}

Sender::Sender(const Host& host, const Pacing& pacing, const Team& team,
               std::vector<UpdateChannel> data, std::vector<segue_block> blocks)
    : host_(host)
    , update_(host)
    , log_(host)
    , pacing_(pacing)
    , pacer_(pacing.bandwidth)
    , team_(team)
    , data_(std::move(data))
    , blocks_(std::move(blocks)) {}

Result<Ended> Sender::rounds() {
    SEGUE_ASSIGN(const Agreed agreed, update_.agreed());
    if (agreed.budget_us != 0)
        pacing_.limit = std::chrono::microseconds(agreed.budget_us);
    if (pacing_.max_time.count() != 0)
        due_ = Clock::now() + pacing_.max_time;
    SEGUE_ASSIGN(left_, look());
    for (round_ = 1; round_ <= pacing_.max_rounds && !asked_ && !late_; ++round_) {
        const std::uint64_t before = sent_;
        SEGUE_TRY(send(round_, left_));
        SEGUE_ASSIGN(left_, look());
        host_.log(SEGUE_LOG_INFO, "round " + std::to_string(round_) + ": " + prospects());
        if (asked_ || late_)
            continue; // an interrupted round says nothing of the rate
        if (time_for(left_) <= for_bytes(pacing_.limit)) {
            SEGUE_TRY(end_pages());
            return Ended::Fits;
        }
        SEGUE_TRY(throttle_more(sent_ - before));
    }
    SEGUE_TRY(end_pages());
    return asked_ ? Ended::Asked : Ended::TooSlow;
}

// A guest that has written more than half of what the round sent meets the limit in many rounds or
// never. The first round sends all there is, and says nothing of that.
Status Sender::throttle_more(std::uint64_t sent) {
    if (!pacing_.throttle || round_ == 1 || left_ <= sent / 2 || throttled_ == SEGUE_THROTTLE_MAX)
        return {};
    throttled_ =
        std::min(throttled_ == 0 ? kFirstThrottle : throttled_ + kMoreThrottle, SEGUE_THROTTLE_MAX);
    host_.log(SEGUE_LOG_WARN, "the guest writes too fast: its vCPUs are throttled by " +
                                  std::to_string(throttled_) + " %");
    return Throttle(host_).set(throttled_);
}

Status Sender::last_round() {
    SEGUE_ASSIGN(left_, look());
    SEGUE_TRY(send(kLast, left_));
    return end_pages();
}

// Bytes that are to be sent by now.
Result<std::uint64_t> Sender::look() {
    SEGUE_ASSIGN(const std::uint64_t pages, log_.look());
    return pages * kPage;
}

Status Sender::send(unsigned round, std::uint64_t bytes) {
    before_ = copied_;
    total_ = sent_ + bytes;
    napped_ = 0;
    pacer_.begin();
    const auto began = Clock::now();
    SEGUE_TRY(team_.run([this, round](unsigned channel) { return send_part(round, channel); }));
    const std::chrono::duration<double> took =
        Clock::now() - began - std::chrono::nanoseconds(napped_ / team_.channels());
    update_.progress(sent_, sent_);
    if (copied_ - before_ >= kMeasured && took.count() > 0)
        rate_ = static_cast<double>(copied_ - before_) / took.count();
    return {};
}

// All that is dirty in the stripes of one channel.
Status Sender::send_part(unsigned round, unsigned channel) {
    std::array<std::uint64_t, kStripe / 64> bits;
    for (std::uint32_t block = 0; block < blocks_.size(); ++block) {
        const std::uint64_t pages = blocks_[block].bytes / kPage;
        Extents extents(blocks_[block]);
        for (std::uint64_t first = channel * kStripe; first < pages;
             first += kStripe * team_.channels()) {
            SEGUE_TRY(log_.take(block, first, bits));
            SEGUE_TRY(for_runs(bits, first, [&](std::uint64_t at, std::uint64_t n) {
                return send_run(channel, {block, 0, at, n}, round == 1 ? &extents : nullptr);
            }));
            if (channel == 0)
                update_.progress(sent_, std::max<std::uint64_t>(total_, sent_));
            SEGUE_ASSIGN(const bool stop, interrupted());
            if (round == kLast)
                continue;
            if (stop)
                return {};
            SEGUE_TRY(keep_pace());
        }
    }
    return {};
}

// What is not sent then stays in the log.
Result<bool> Sender::interrupted() {
    SEGUE_ASSIGN(const std::uint32_t asked, update_.checkpoint());
    if ((asked & SEGUE_ASKED_SWITCH) != 0)
        asked_ = true;
    if (Clock::now() >= due_)
        late_ = true;
    return asked_ || late_;
}

// Without `extents` it was written to, and is no hole.
Status Sender::send_run(unsigned channel, segue_pages run, Extents* extents) {
    while (run.n != 0) {
        const segue_pages part = extents != nullptr ? extents->first_of(run) : run;
        SEGUE_TRY(data_[channel].put_pages(part));
        sent_ += part.n * kPage;
        copied_ += (part.flags & SEGUE_PAGES_ZERO) != 0 ? 0 : part.n * kPage;
        run.first += part.n;
        run.n -= part.n;
    }
    return {};
}

Status Sender::keep_pace() {
    SEGUE_ASSIGN(const std::chrono::nanoseconds napped,
                 pacer_.await(copied_ - before_, [this] { return interrupted(); }));
    napped_ += static_cast<std::uint64_t>(napped.count());
    return {};
}

Status Sender::end_pages() const {
    for (const UpdateChannel& ch : data_)
        SEGUE_TRY(ch.end_pages());
    return {};
}

std::chrono::microseconds Sender::time_for(std::uint64_t bytes) const {
    if (bytes == 0 || rate_ <= 0)
        return std::chrono::microseconds(0);
    return std::chrono::microseconds(
        static_cast<std::int64_t>(1e6 * static_cast<double>(bytes) / rate_));
}

std::string Sender::prospects() const {
    return mib(left_) + " are left, which take " +
           std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time_for(left_)).count()) +
           " ms at " + mib(static_cast<std::uint64_t>(rate_)) + "/s";
}

std::string Sender::too_slow() const {
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(pacing_.limit);
    return "the guest writes its RAM too fast: after " + std::to_string(round_ - 1) + " rounds " +
           prospects() + ", and the pause may be " + std::to_string(limit.count()) + " ms";
}

} // namespace segue::modes

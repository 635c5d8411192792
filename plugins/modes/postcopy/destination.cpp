// SPDX-License-Identifier: Apache-2.0
#include "destination.hpp"

#include <algorithm>
#include <array>

#include "bits.hpp"
#include "plugins/modes/common/thread.hpp"

namespace postcopy {

using namespace segue;

namespace {

constexpr std::size_t kAtOnce = 16; // runs that are acknowledged

} // namespace

Destination::Destination(const Host& host, const modes::Team& team, Channels channels,
                         std::vector<segue_block> blocks)
    : host_(host)
    , userfault_(host)
    , team_(team)
    , channels_(std::move(channels))
    , blocks_(std::move(blocks))
    , missing_(blocks_) {}

Status Destination::begin() {
    SEGUE_ASSIGN(total_, receive_bits(channels_.main, blocks_, [this](const Bits& some) {
                     missing_.add(some.block, some.first, some.bits);
                     return userfault_.discard(some.block, some.first, some.bits);
                 }));
    SEGUE_TRY(userfault_.arm());
    SEGUE_ASSIGN(const std::uint64_t missing, userfault_.missing());
    if (missing != total_) // what is not announced would never come
        return Error(Code::Corrupt, std::to_string(total_) + " pages are announced, and " +
                                        std::to_string(missing) + " have not come");
    return total_ == 0 ? Status() : start_asking();
}

Status Destination::begin_again(Channels channels) {
    channels_ = std::move(channels);
    error_.reset();
    came_.clear();
    SEGUE_TRY(send_bits(channels_.main, missing_, blocks_));
    return start_asking();
}

Status Destination::start_asking() {
    const auto ended = [this](Status how) { this->ended(std::move(how)); };
    SEGUE_TRY(modes::start_thread(
        host_, "faults", [this] { return ask(); }, ended));
    return modes::start_thread(
        host_, "answers", [this] { return take_answers(); }, ended);
}

Status Destination::ask() {
    std::array<segue_fault, kWords> faults;
    for (;;) {
        SEGUE_ASSIGN(const std::uint32_t n, userfault_.faults(faults));
        if (n == 0)
            return {};
        std::vector<Word> words;
        words.reserve(n);
        for (const segue_fault& f : std::span(faults).first(n))
            words.push_back({Say::Want, f.block, f.first, f.n});
        SEGUE_TRY(say(words));
    }
}

// Says nothing itself: the other side would not hear while it sends what is read here.
Status Destination::take_answers() {
    for (;;) {
        SEGUE_ASSIGN(const segue_pages pages, channels_.urgent.get_pages());
        if (pages.n == 0)
            return {};
        came(pages);
        SEGUE_ASSIGN(const std::uint64_t missing, userfault_.missing());
        if (missing == 0)
            ended({});
    }
}

Status Destination::receive(unsigned channel) {
    for (;;) {
        SEGUE_ASSIGN(const segue_pages pages, channels_.data[channel].get_pages());
        if (pages.n == 0)
            return {};
        came(pages);
        SEGUE_TRY(failed());
        if (channel == 0)
            SEGUE_TRY(acknowledge(kAtOnce));
    }
}

void Destination::came(const segue_pages& pages) {
    (void)missing_.take(pages);
    const std::lock_guard lock(mutex_);
    came_.push_back({Say::Here, pages.block, pages.first, pages.n});
}

// Of who asks and who takes the answers.
Status Destination::failed() const {
    const std::lock_guard lock(mutex_);
    return error_ ? Status(*error_) : Status();
}

Status Destination::acknowledge(std::size_t at_least) {
    std::vector<Word> words;
    {
        const std::lock_guard lock(mutex_);
        if (came_.size() < at_least)
            return {};
        words.swap(came_);
    }
    return say(words);
}

Status Destination::say(const std::vector<Word>& words) {
    const std::lock_guard lock(saying_);
    for (std::size_t at = 0; at < words.size(); at += kWords) {
        const auto some = std::span(words).subspan(at, std::min(kWords, words.size() - at));
        SEGUE_TRY(channels_.request.send(std::as_bytes(some)));
    }
    return {};
}

// One of the threads, or all that it was for. Before the guest runs nobody may wait for what
// nobody brings any more; after that the host does not take it.
void Destination::ended(Status how) {
    if (!how)
        (void)userfault_.disarm().ok();
    const std::lock_guard lock(mutex_);
    if (!how && !error_)
        error_ = std::move(how).error();
    changed_.notify_all();
}

Status Destination::receive_rest() {
    if (total_ == 0)
        return {};
    SEGUE_TRY(team_.run([this](unsigned channel) { return receive(channel); }));
    SEGUE_TRY(await_all());
    SEGUE_TRY(userfault_.disarm());
    return say({{Say::All, 0, 0, 0}});
}

// The last may be answers to requests.
Status Destination::await_all() {
    std::unique_lock lock(mutex_);
    for (;;) {
        SEGUE_ASSIGN(const std::uint64_t missing, userfault_.missing());
        if (missing == 0)
            return {};
        if (error_)
            return *error_;
        changed_.wait(lock);
    }
}

} // namespace postcopy

// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include <algorithm>
#include <array>

#include "bits.hpp"
#include "plugins/modes/common/extents.hpp"
#include "plugins/modes/common/thread.hpp"

namespace postcopy {

using namespace segue;

Source::Source(const Host& host, const modes::Team& team, Channels channels,
               std::uint64_t bandwidth, std::vector<segue_block> blocks)
    : host_(host)
    , update_(host)
    , log_(host)
    , userfault_(host)
    , team_(team)
    , channels_(std::move(channels))
    , pacer_(bandwidth)
    , blocks_(std::move(blocks))
    , outstanding_(blocks_) {}

Status Source::begin() {
    SEGUE_TRY(collect());
    SEGUE_TRY(send_bits(channels_.main, outstanding_, blocks_));
    return total_ == 0 ? Status() : start_answering();
}

// What was not acknowledged is still here.
Status Source::begin_again(Channels channels) {
    channels_ = std::move(channels);
    ended_.reset();
    acknowledged_.clear();
    outstanding_.clear();
    streamed_ = 0;
    SEGUE_TRY(receive_bits(channels_.main, blocks_, [this](const Bits& some) -> Status {
        outstanding_.add(some.block, some.first, some.bits);
        return {};
    }));
    return start_answering();
}

Status Source::start_answering() {
    return modes::start_thread(
        host_, "requests", [this] { return answer_requests(); },
        [this](Status s) {
            const std::lock_guard lock(mutex_);
            ended_ = std::move(s);
            answered_.notify_all();
        });
}

// What was written since it was sent, and what never was sent.
Status Source::collect() {
    SEGUE_TRY(log_.look());
    std::vector<std::uint64_t> bits(kBitmapWords);
    for (std::uint32_t block = 0; block < blocks_.size(); ++block)
        for (std::uint64_t first = 0; first < blocks_[block].bytes / kPage;
             first += SEGUE_DIRTY_MAX) {
            const auto some = std::span(bits).first(SEGUE_DIRTY_MAX / 64);
            SEGUE_TRY(log_.take(block, first, some));
            outstanding_.add(block, first, some);
        }
    outstanding_.round_up();
    total_ = outstanding_.left();
    return {};
}

Status Source::answer_requests() {
    std::array<Word, kWords> words;
    for (;;) {
        SEGUE_ASSIGN(const std::uint64_t bytes,
                     channels_.request.recv(std::as_writable_bytes(std::span(words))));
        if (bytes == 0 || bytes % sizeof(Word) != 0)
            return Error(Code::Corrupt, "a request of another length than it has");
        for (const Word& word : std::span(words).first(bytes / sizeof(Word))) {
            if (word.say == Say::All)
                return channels_.urgent.end_pages();
            SEGUE_TRY(answer(word));
        }
    }
}

Status Source::answer(const Word& word) {
    const segue_pages pages = {word.block, 0, word.first, word.n};
    switch (word.say) {
    case Say::Want:
        for (const segue_pages& run : outstanding_.take(pages))
            SEGUE_TRY(channels_.urgent.put_pages(run));
        return {};
    case Say::Here: {
        const std::lock_guard lock(mutex_);
        acknowledged_.push_back(pages);
        return {};
    }
    default:
        return Error(Code::Corrupt, "a request of an unknown kind");
    }
}

Status Source::send_rest() {
    if (total_ == 0)
        return {};
    pacer_.begin();
    SEGUE_TRY(team_.run([this](unsigned channel) { return stream(channel); }));
    SEGUE_TRY(await_last_request());
    return {};
}

// From the pages asked for last on.
Status Source::stream(unsigned channel) {
    std::vector<modes::Extents> extents(blocks_.begin(), blocks_.end());
    for (;;) {
        segue_pages run = outstanding_.next(kChunk);
        if (run.n == 0)
            return channels_.data[channel].end_pages();
        while (run.n != 0) {
            const segue_pages part = extents[run.block].first_of(run);
            SEGUE_TRY(channels_.data[channel].put_pages(part));
            streamed_ += (part.flags & SEGUE_PAGES_ZERO) != 0 ? 0 : part.n * kPage;
            run.first += part.n;
            run.n -= part.n;
        }
        if (channel == 0) {
            update_.progress((total_ - outstanding_.left()) * kPage, total_ * kPage);
            drop_acknowledged();
        }
        SEGUE_TRY(keep_pace());
    }
}

Status Source::keep_pace() {
    SEGUE_TRY(update_.checkpoint());
    SEGUE_TRY(pacer_.await(streamed_, [this]() -> Result<bool> {
        SEGUE_TRY(update_.checkpoint());
        const std::lock_guard lock(mutex_);
        if (ended_ && !*ended_)
            return ended_->error();
        return outstanding_.left() == 0;
    }));
    return {};
}

// They are on the other side: this one's memory goes back to the host.
void Source::drop_acknowledged() {
    std::vector<segue_pages> pages;
    {
        const std::lock_guard lock(mutex_);
        pages.swap(acknowledged_);
    }
    for (const segue_pages& p : pages) {
        if (keeps_)
            return;
        if (const Status s = userfault_.drop(p.block, p.first, p.n); !s) {
            keeps_ = true; // it is the guest's RAM that matters, and that goes on
            host_.log(SEGUE_LOG_WARN,
                      "the memory of what has gone stays here until the end: " + s.error().what());
        }
    }
}

Status Source::await_last_request() {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return ended_.has_value(); });
    return *ended_;
}

} // namespace postcopy

// SPDX-License-Identifier: Apache-2.0
// source.hpp - the side that the guest has left: sends the pages that it waits for, then the
// others.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include <segue/cpp/dirty.hpp>
#include <segue/cpp/update.hpp>
#include <segue/cpp/userfault.hpp>

#include "outstanding.hpp"
#include "plugins/modes/common/pacer.hpp"
#include "plugins/modes/common/team.hpp"
#include "wire.hpp"

namespace postcopy {

struct Channels {
    segue::UpdateChannel main, request, urgent;
    std::vector<segue::UpdateChannel> data;
};

// Used once. [update; requests and each data channel on a thread of their own]
class Source {
public:
    Source(const segue::Host& host, const segue::modes::Team& team, Channels channels,
           std::uint64_t bandwidth, std::vector<segue_block> blocks);

    // The guest stands still: tells what has not been sent, and answers requests from now on.
    segue::Status begin();
    // The same over other channels, of what the new side says that it has not.
    segue::Status begin_again(Channels channels);
    // It runs there: sends the rest.
    segue::Status send_rest();

private:
    static constexpr std::uint64_t kPage = 4096;
    static constexpr std::uint64_t kChunk = 64; // pages that a request waits for at most

    segue::Status collect();
    segue::Status start_answering();
    segue::Status answer_requests();
    segue::Status answer(const Word& word);
    segue::Status stream(unsigned channel);
    segue::Status keep_pace();
    void drop_acknowledged(); // by channel 0
    segue::Status await_last_request();

    segue::Host host_;
    segue::Update update_;
    segue::DirtyLog log_;
    segue::Userfault userfault_;
    const segue::modes::Team& team_;
    Channels channels_;
    segue::modes::Pacer pacer_;
    std::vector<segue_block> blocks_;
    Outstanding outstanding_;
    std::uint64_t total_ = 0;                // pages
    std::atomic<std::uint64_t> streamed_{0}; // bytes
    bool keeps_ = false;                     // memory cannot be given back
    std::mutex mutex_;                       // of what follows
    std::condition_variable answered_;
    std::optional<segue::Status> ended_; // the requests
    std::vector<segue_pages> acknowledged_;
};

} // namespace postcopy

// SPDX-License-Identifier: Apache-2.0
// destination.hpp - the side that the guest runs on: asks for the pages that somebody waits for,
// and takes them all.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include <segue/cpp/update.hpp>
#include <segue/cpp/userfault.hpp>

#include "source.hpp"

namespace postcopy {

// Used once. [update; requests, their answers and each data channel on a thread of their own]
class Destination {
public:
    Destination(const segue::Host& host, const segue::modes::Team& team, Channels channels,
                std::vector<segue_block> blocks);

    // The guest stands still: learns what has not come, and asks for it from now on.
    segue::Status begin();
    // The same over other channels, of what has not come since.
    segue::Status begin_again(Channels channels);
    // It runs here: until all has come.
    segue::Status receive_rest();

private:
    segue::Status start_asking();
    segue::Status ask();
    segue::Status take_answers();
    segue::Status receive(unsigned channel);
    segue::Status say(const std::vector<Word>& words);
    void came(const segue_pages& pages);
    segue::Status failed() const;
    segue::Status acknowledge(std::size_t at_least);
    segue::Status await_all();
    void ended(segue::Status how);

    segue::Host host_;
    segue::Userfault userfault_;
    const segue::modes::Team& team_;
    Channels channels_;
    std::vector<segue_block> blocks_;
    Outstanding missing_;
    std::uint64_t total_ = 0;  // pages
    std::mutex saying_;        // one at a time
    mutable std::mutex mutex_; // of what follows
    std::condition_variable changed_;
    std::optional<segue::Error> error_; // the first
    std::vector<Word> came_;            // and is to be acknowledged
};

} // namespace postcopy

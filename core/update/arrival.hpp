// SPDX-License-Identifier: Apache-2.0
// arrival.hpp - the incoming side of an update from another host: from the old VMM's first
// connection until that has heard that the guest runs here.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "core/update/doubt.hpp"
#include "core/update/entrance.hpp"
#include "core/update/origin.hpp"
#include "core/update/ready_thread.hpp"

namespace segue::update {

// Outlives the update's Incoming: the old host may have lost its connection, and asks again.
class Arrival {
public:
    explicit Arrival(plugin::Listener listener)
        : entrance_(std::move(listener)) {}
    ~Arrival(); // no one is told any more
    Arrival(const Arrival&) = delete;
    Arrival& operator=(const Arrival&) = delete;

    // Waits for the update to begin, for as long as it takes. [main]
    Status begin(int cancel_fd);
    Entrance& entrance() { return entrance_; }
    const Stream& stream() const { return stream_; }

    // The state is in: says LOADED, on every connection, until RUN comes; gives RUN's body. Where
    // the connection is lost the guest waits here, loaded, and the doubt is open; an operator's
    // answer has no body. An error: this side must not run it. [main]
    Result<std::vector<std::byte>> await_run(int cancel_fd);
    Doubt& doubt() { return doubt_; } // [any]

    // The guest runs here: says so, on every connection, until it is heard. [main]
    void tell_running();
    bool heard() const { return heard_; } // [any]
    // Of the update there is no more to come: once that is heard, the address is free. [any]
    void finish();
    // Also where nobody has heard: an operator has told the old host. [any]
    void free_address();

private:
    Result<Message> answer_to(MessageType what, int stop_fd, const std::function<void()>& on_loss);
    Status renew(MessageType what, int stop_fd);
    void tell_until_heard();

    Entrance entrance_;
    Stream stream_;
    Doubt doubt_;
    std::atomic<bool> heard_{false}, finished_{false};
    UniqueFd stop_; // eventfd
    ReadyThread teller_;
};

// The Origin of an update that arrives; `owner_path`: this host's own record is made there;
// `take_hold`: of what only one host may hold, once this one is told to run the guest.
std::unique_ptr<Origin> from_elsewhere(Arrival& arrival, std::string owner_path,
                                       std::function<Status()> take_hold);

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// signals.hpp - SIGTERM and SIGINT as a shutdown request.
#pragma once

#include <thread>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "vmm/main/inbox.hpp"

namespace segue::vmm {

// Blocks both for this thread and all that it starts afterwards, and ignores SIGPIPE. [main, before
// any other thread]
Status block_signals();

// A thread that turns them into news, until it is destroyed.
class Signals {
public:
    static Result<Signals> watch(Inbox& inbox);
    Signals(Signals&&) = default;
    Signals& operator=(Signals&&) = delete;
    ~Signals();

private:
    Signals(UniqueFd stop, std::thread thread)
        : stop_(std::move(stop))
        , thread_(std::move(thread)) {}
    UniqueFd stop_; // eventfd
    std::thread thread_;
};

} // namespace segue::vmm

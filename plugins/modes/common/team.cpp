// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/team.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <segue/cpp/update.hpp>

#include "plugins/modes/common/thread.hpp"

namespace segue::modes {

namespace {

// Between two looks at the deadline and the cancel that end the calling thread's hook, and perhaps
// not the other threads.
constexpr std::chrono::milliseconds kSlice{50};

} // namespace

struct Team::Shared {
    explicit Shared(Work w, unsigned pieces)
        : work(std::move(w))
        , left(pieces) {}

    void done(Status s) {
        const std::lock_guard lock(mutex);
        --left;
        if (!s && !error)
            error = std::move(s).error();
        changed.notify_all();
    }

    const Work work;
    std::mutex mutex;
    std::condition_variable changed;
    unsigned left;
    std::optional<Error> error; // the first
};

Status Team::run(Work work) const {
    if (channels_ == 1)
        return work(0);
    const auto shared = std::make_shared<Shared>(std::move(work), channels_);
    for (unsigned i = 1; i < channels_; ++i)
        SEGUE_TRY(start_thread(
            host_, "copy-" + std::to_string(i), [shared, i] { return shared->work(i); },
            [shared](Status s) { shared->done(std::move(s)); }));
    shared->done(shared->work(0));
    const Update update(host_);
    std::unique_lock lock(shared->mutex);
    const auto over = [&] { return shared->left == 0 || shared->error; };
    while (!shared->changed.wait_for(lock, kSlice, over)) {
        lock.unlock();
        SEGUE_TRY(update.checkpoint());
        lock.lock();
    }
    return shared->error ? Status(*shared->error) : Status();
}

} // namespace segue::modes

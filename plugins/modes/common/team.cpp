// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/team.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "plugins/modes/common/thread.hpp"

namespace segue::modes {

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
        SEGUE_TRY(start_thread(host_, "copy-" + std::to_string(i), [shared, i] {
            try {
                shared->done(shared->work(i));
            } catch (...) {
                shared->done(Error(Code::Internal, "a thread of the mode is out of memory"));
            }
        }));
    shared->done(shared->work(0));
    std::unique_lock lock(shared->mutex);
    shared->changed.wait(lock, [&] { return shared->left == 0 || shared->error; });
    return shared->error ? Status(*shared->error) : Status();
}

} // namespace segue::modes

// SPDX-License-Identifier: Apache-2.0
#include "team.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace precopy {

using namespace segue;

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

struct Team::Piece {
    std::shared_ptr<Shared> shared;
    unsigned channel;
};

void Team::enter(void* piece) {
    const std::unique_ptr<Piece> p(static_cast<Piece*>(piece));
    try {
        p->shared->done(p->shared->work(p->channel));
    } catch (...) {
        p->shared->done(Error(Code::Internal, "a thread of mode/precopy is out of memory"));
    }
}

Status Team::run(Work work) const {
    if (channels_ == 1)
        return work(0);
    const auto shared = std::make_shared<Shared>(std::move(work), channels_);
    for (unsigned i = 1; i < channels_; ++i) {
        auto piece = std::make_unique<Piece>(Piece{shared, i});
        const std::string name = "precopy-" + std::to_string(i);
        SEGUE_TRY(Host::call([&](segue_error* e) {
            return threads_->start(threads_->h, name.c_str(), enter, piece.get(), e);
        }));
        (void)piece.release(); // the thread's
    }
    shared->done(shared->work(0));
    std::unique_lock lock(shared->mutex);
    shared->changed.wait(lock, [&] { return shared->left == 0 || shared->error; });
    return shared->error ? Status(*shared->error) : Status();
}

} // namespace precopy

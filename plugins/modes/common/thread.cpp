// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/thread.hpp"

#include <memory>

#include <segue/abi/threads.h>

namespace segue::modes {

namespace {

struct Task {
    std::function<Status()> work;
    std::function<void(Status)> ended;
    Error thrown{Code::Internal,
                 "a thread of the mode is out of memory"}; // made while there is some
};

void enter(void* task) {
    const std::unique_ptr<Task> t(static_cast<Task*>(task));
    Status s;
    try {
        s = t->work();
    } catch (...) {
        s = std::move(t->thrown);
    }
    t->ended(std::move(s));
}

} // namespace

Status start_thread(const Host& host, const std::string& name, std::function<Status()> work,
                    std::function<void(Status)> ended) {
    const auto* threads = host.service<segue_host_threads>(SEGUE_THREADS_ID);
    auto its = std::make_unique<Task>(Task{std::move(work), std::move(ended)});
    SEGUE_TRY(Host::call([&](segue_error* e) {
        return threads->start(threads->h, name.c_str(), enter, its.get(), e);
    }));
    (void)its.release(); // the thread's
    return {};
}

} // namespace segue::modes

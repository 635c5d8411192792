// SPDX-License-Identifier: Apache-2.0
#include "core/update/ready_thread.hpp"

#include <pthread.h>

#include <system_error>

namespace segue::update {

Status ReadyThread::make(const char* name, std::function<void()> act) {
    std::packaged_task<void()> task([name, act = std::move(act), go = go_.get_future()]() mutable {
        ::pthread_setname_np(::pthread_self(), name);
        if (go.get())
            act();
    });
    acted_ = task.get_future();
    try {
        thread_ = std::thread(std::move(task));
    } catch (const std::system_error& e) {
        return Error::from_errno(e.code().value(), "a thread for the end of the update")
            .way_out("raise the host's limit of threads for this process (TasksMax, pids.max, "
                     "RLIMIT_NPROC)");
    }
    return {};
}

void ReadyThread::join() {
    if (gone_ && thread_.joinable())
        thread_.join();
}

ReadyThread::~ReadyThread() {
    if (!thread_.joinable())
        return;
    if (!gone_)
        go_.set_value(false);
    thread_.join();
}

} // namespace segue::update

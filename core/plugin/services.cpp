// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/services.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "core/base/log.hpp"

namespace segue::plugin {

LogService::LogService(std::string plugin)
    : plugin_(std::move(plugin))
    , table_{this, write} {}

void LogService::write(void* h, std::uint32_t level, const char* line) {
    constexpr std::size_t max_line = 4096;
    if (line == nullptr)
        return;
    const auto of = level <= SEGUE_LOG_ERROR ? static_cast<log::Level>(level) : log::Level::Error;
    log::write(of, static_cast<LogService*>(h)->plugin_ + ": " +
                       std::string(line, ::strnlen(line, max_line)));
}

ThreadsService::ThreadsService()
    : table_{this, start} {}

segue_status ThreadsService::start(void* h, const char* name, void (*run)(void*), void* arg,
                                   segue_error* e) {
    constexpr std::size_t max_name = 15; // pthread_setname_np(3), less the NUL
    if (name == nullptr || run == nullptr || ::strnlen(name, max_name + 1) > max_name)
        return Error(Code::Invalid,
                     "start a thread: it has no function, or no name of at most 15 bytes")
            .to_abi(e);
    auto& self = *static_cast<ThreadsService*>(h);
    const std::lock_guard lock(self.mutex_);
    Worker& w = self.workers_.emplace_back();
    w.name = name;
    try {
        w.thread = std::jthread([&self, &w, run, arg] {
            ::pthread_setname_np(::pthread_self(), w.name.c_str());
            run(arg);
            const std::lock_guard done(self.mutex_);
            w.done = true;
            self.ended_.notify_all();
        });
    } catch (const std::system_error& x) {
        self.workers_.pop_back();
        return Error::from_errno(x.code().value(), std::string("start thread ") + name).to_abi(e);
    }
    return SEGUE_OK;
}

Status ThreadsService::join(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto all_done = [this] {
        return std::all_of(workers_.begin(), workers_.end(),
                           [](const Worker& w) { return w.done; });
    };
    if (deadline.is_never())
        ended_.wait(lock, all_done);
    else if (!ended_.wait_until(lock, deadline.at(), all_done)) {
        const auto w =
            std::find_if(workers_.begin(), workers_.end(), [](const Worker& x) { return !x.done; });
        return Error(Code::Deadline, "thread '" + w->name + "' of a plugin does not end")
            .with("thread", w->name);
    }
    std::list<Worker> gone = std::move(workers_);
    lock.unlock(); // each may still be leaving its lock
    gone.clear();
    return {};
}

} // namespace segue::plugin

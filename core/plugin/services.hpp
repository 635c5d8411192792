// SPDX-License-Identifier: Apache-2.0
// services.hpp - the services that core itself gives to plugins: log and threads. (The third,
// config, is in options.hpp.)
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include <segue/abi/log.h>
#include <segue/abi/threads.h>
#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"

namespace segue::plugin {

// "segue.log/1": lines under one plugin's name. Does not move.
class LogService {
public:
    explicit LogService(std::string plugin);
    LogService(const LogService&) = delete;
    LogService& operator=(const LogService&) = delete;
    const segue_host_log* table() const { return &table_; }

private:
    static void write(void* h, std::uint32_t level, const char* line);
    std::string plugin_;
    segue_host_log table_;
};

// "segue.threads/1" of one update. Does not move. Its end waits for every thread without bound:
// call join() before, and end the process where that fails.
class ThreadsService {
public:
    ThreadsService();
    ThreadsService(const ThreadsService&) = delete;
    ThreadsService& operator=(const ThreadsService&) = delete;
    ~ThreadsService() = default;
    const segue_host_threads* table() const { return &table_; }

    // Waits until all have returned; DEADLINE naming one that has not. [update]
    Status join(Deadline deadline);

private:
    struct Worker {
        std::string name;
        bool done = false;
        std::jthread thread;
    };
    static segue_status start(void* h, const char* name, void (*run)(void*), void* arg,
                              segue_error* e);

    std::mutex mutex_;
    std::condition_variable ended_;
    std::list<Worker> workers_; // last: its end joins, and the threads use what is above
    segue_host_threads table_;
};

} // namespace segue::plugin

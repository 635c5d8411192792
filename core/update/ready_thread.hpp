// SPDX-License-Identifier: Apache-2.0
// ready_thread.hpp - a thread for what comes after the commit, made before it: nothing may fail
// then.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include <segue/cpp/result.hpp>

namespace segue::update {

class ReadyThread {
public:
    ReadyThread() = default;
    // Where it never went, nothing was done; else waits for its end.
    ~ReadyThread();
    ReadyThread(const ReadyThread&) = delete;
    ReadyThread& operator=(const ReadyThread&) = delete;

    // Once. NO_MEMORY or AGAIN where the host has no thread to give. `name`: 15 bytes at most.
    Status make(const char* name, std::function<void()> act);
    // It acts now. Once, after make().
    void go() { go_.set_value(true), gone_ = true; }
    bool ends_within(std::chrono::milliseconds time) const {
        return acted_.wait_for(time) == std::future_status::ready;
    }
    // Of one that went; nothing where it did not.
    void join();
    // What it acts on must outlive the process then.
    void detach() { thread_.detach(); }

private:
    std::promise<bool> go_;
    bool gone_ = false;
    std::future<void> acted_;
    std::thread thread_;
};

} // namespace segue::update

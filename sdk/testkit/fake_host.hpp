// SPDX-License-Identifier: Apache-2.0
// fake_host.hpp - the host that a plugin under test finds: the real services where that is possible
// in one process, and no more of them than it lists in its `needs`.
#pragma once

#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include <segue/abi/command.h>
#include <segue/abi/entry.h>
#include <segue/abi/log.h>
#include <segue/abi/process.h>
#include <segue/abi/threads.h>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "sdk/testkit/child.hpp"

namespace segue::testkit {

struct Kind;

// Does not move: a plugin keeps its address. [main]
class FakeHost {
public:
    explicit FakeHost(Trace& trace);
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;
    ~FakeHost();

    const segue_host* abi() const { return &abi_; }
    // From here on: those that every host has, those that the kind gets, and `needs` (NULL-ended).
    void offer(const Kind& kind, const char* const* needs);
    // Of this version's host, whoever gets it.
    static bool exists(std::string_view id);
    void add(const char* id, const void* table) { tables_[id] = table; }

    // As an execve does it: what was put with put_exec() is what get_exec() takes from now on.
    void execve();
    // Descriptors that put_exec() holds.
    std::size_t put() const { return put_.size(); }
    // Waits for the threads that the plugin has started.
    void join();

private:
    static const void* service(void* h, const char* id);
    static void log(void* h, std::uint32_t level, const char* line);
    static segue_status start_thread(void* h, const char* name, void (*run)(void*), void* arg,
                                     segue_error* e);
    static segue_status put_exec(void* h, const char* name, std::int32_t fd, segue_error* e);
    static segue_status get_exec(void* h, const char* name, std::int32_t* fd, segue_error* e);

    Trace& trace_;
    segue_host abi_;
    segue_host_log log_;
    segue_host_threads threads_;
    segue_host_process process_;
    segue_host_command command_;
    std::map<std::string, const void*, std::less<>> tables_;
    std::set<std::string, std::less<>> offered_;
    std::list<std::thread> running_;
    std::map<std::string, UniqueFd> put_, passed_;
};

// "segue.command.draft/1": commands in groups of their own, known to `trace`.
segue_host_command command_service(Trace& trace);

} // namespace segue::testkit

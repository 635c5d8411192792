// SPDX-License-Identifier: Apache-2.0
// barriers.hpp - the test's side of the edges: who is to stop where, and who does.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"
#include "tests/fault/edge.hpp"

namespace segue::fault {

// A thread answers everyone who comes by; only who stands at a held edge gets no answer until it is
// released. [any]
class Barriers {
public:
    // Makes the socket `path`; kBarrierVariable tells it to the processes started from here on.
    explicit Barriers(std::string path);
    ~Barriers();
    Barriers(const Barriers&) = delete;
    Barriers& operator=(const Barriers&) = delete;

    const std::string& path() const { return path_; }
    void hold(const Edge& edge);
    // Waits until a process stands there; gives its pid.
    Result<pid_t> reached(const Edge& edge, Deadline deadline);
    // Lets it go on, and everyone who comes there later.
    void release(const Edge& edge);

private:
    void serve();
    void take(UniqueFd caller);

    std::string path_;
    UniqueFd listener_, stop_;
    std::mutex mutex_;
    std::condition_variable came_;
    std::set<Edge> held_;
    std::map<Edge, std::pair<pid_t, UniqueFd>> waiting_;
    std::thread thread_;
};

} // namespace segue::fault

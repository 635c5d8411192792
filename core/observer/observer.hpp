// SPDX-License-Identifier: Apache-2.0
// observer.hpp - watches a guest's counters from outside: a file that holds its RAM, mapped
// read-only and polled by a thread that does nothing else.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"
#include "core/observer/page.h"
#include "core/observer/tracker.hpp"

namespace segue::observer {

// Where the RAM of a guest is seen.
struct Ram {
    std::string path;         // a file, or /proc/PID/fd/N of a memfd
    std::uint64_t offset = 0; // where guest-physical address 0 is in it
};

// A mapping keeps RAM alive that has lost all its other users:
// it is gone only with the observer. [any; calls from several threads are fine]
class Observer {
public:
    // Waits until a guest has written its observation page (page.h). `cpu`: where the poll thread
    // stays; -1: anywhere. Where a guest is copied from one RAM to another, name both: the counter
    // of a vCPU is then the higher one. The first must hold a running guest, the others need not.
    // `every`: sleeps that long between polls; 0: the poll thread takes a whole core, which is
    // right only where the guest has others.
    static Result<std::unique_ptr<Observer>> start(const std::vector<Ram>& rams, int cpu,
                                                   Deadline deadline, Time every = Time{0});
    ~Observer();
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;

    // What was seen since the start or the last reset().
    Measurement snapshot() { return ask(false); }
    // The same, and begins anew; no poll is left out between the two.
    Measurement reset() { return ask(true); }
    // The guest's own page (of the first RAM), for its error counters; it changes all the time.
    const volatile segue_page& page() const { return *pages_.front(); }

private:
    Observer(std::vector<Mapping> maps, std::size_t vcpus, Time every);
    Status pin(int cpu);
    Measurement ask(bool restart);
    void poll_loop();
    bool answer(Tracker& tracker); // false: stop
    std::uint64_t highest_counter(std::size_t vcpu) const;

    std::vector<Mapping> maps_;
    std::vector<const volatile segue_page*> pages_;
    std::size_t vcpus_;
    Time every_;
    std::atomic<bool> asked_ = false; // or stopping: the poll thread then looks under the lock
    std::mutex mutex_;
    std::condition_variable answered_;
    bool stopping_ = false, restart_ = false;
    std::uint64_t questions_ = 0, answers_ = 0;
    Measurement answer_;
    std::thread thread_;
};

} // namespace segue::observer

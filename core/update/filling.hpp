// SPDX-License-Identifier: Apache-2.0
// filling.hpp - the RAM of a guest that runs before all of it has come: who waits for which page,
// and what becomes of a page that comes.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <segue/abi/update.h>
#include <segue/abi/userfault.h>

#include "core/base/wait.hpp"
#include "core/inventory/inventory.hpp"
#include "core/ports/userfault.hpp"
#include "core/report/fault_times.hpp"
#include "core/update/received.hpp"

namespace segue::update {

// Of one update's incoming side, for the blocks whose RAM may come after the commit. A page that
// has come and is not there is one of zeros: it never was anything else, or the guest has given it
// back. So is what comes as zeros: it stays a hole until somebody needs it.
class Filling {
public:
    // `received`: one a block. All of them outlive it.
    Filling(ports::Userfault& port, const inventory::Inventory& inventory,
            std::vector<ReceivedMap>& received)
        : port_(port)
        , inventory_(inventory)
        , received_(received) {}

    // Pages that have not come, or are out of date: [first, first + n) of a block. [main]
    Status discard(std::uint32_t block, std::uint64_t first, std::uint64_t n);
    Status arm(); // [main]
    bool armed() const { return armed_; }
    // Waits until somebody needs what has not come; 0: disarmed. [one thread]
    Result<std::uint32_t> faults(std::span<segue_fault> room, const Waiter& wait);
    // Whoever waits is told of once more. While nobody asks.
    void tell_again();
    // A run has come, `bytes` empty where it is of zeros. [any]
    Status take(const segue_pages& pages, std::span<const std::byte> bytes);
    std::uint64_t missing() const { return missing_; } // pages
    // Whoever waits goes on, and finds zeros in what has not come: where all has come, or nothing
    // can be made of the guest any more. [any]
    void disarm() noexcept;
    // The same for a mode, which gives up the guest's coming here. False: too late for that.
    bool give_up() noexcept;
    // Before the guest is taken: what it needs is here, or it will wait for it. From now on nobody
    // gives up. CLOSED: somebody has. REFUSED: pages have not come, and nobody would wait for them.
    Status seal();

    report::FaultTimes times() const;

private:
    using Clock = std::chrono::steady_clock;
    using Key = std::pair<std::uint32_t, std::uint64_t>; // block, first page of its page
    struct Waiting {
        std::uint32_t thread;
        Clock::time_point since;
    };
    // A page larger than 4 KiB of which not all has come.
    struct Part {
        std::vector<std::byte> bytes;
        ReceivedMap come;
    };

    std::uint64_t not_received() const;
    std::uint64_t pages_of(std::uint32_t block) const; // of 4 KiB in one of the block's
    bool note(const ports::Fault& fault, segue_fault& out);
    Result<std::uint32_t> tell(std::span<segue_fault> room);
    Status put(std::uint32_t block, std::uint64_t first, std::uint64_t n,
               std::span<const std::byte> bytes);
    Status put_new(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                   std::span<const std::byte> bytes);
    Status take_part(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                     std::span<const std::byte> bytes);
    Status settle(std::uint32_t block, std::uint64_t first, std::uint64_t n, bool zeros);

    ports::Userfault& port_;
    const inventory::Inventory& inventory_;
    std::vector<ReceivedMap>& received_;
    std::atomic<std::uint64_t> missing_{0};
    std::atomic<bool> armed_{false}, over_{false};
    std::mutex gate_; // give_up() against seal(), and sealed_
    bool sealed_ = false;
    mutable std::mutex mutex_; // of what follows
    std::multimap<Key, Waiting> waiting_;
    std::vector<Key> again_; // of them, to be told once more
    std::map<Key, Part> parts_;
    report::FaultClock clock_;
    mutable std::map<std::uint32_t, std::string> names_; // of threads that have waited
};

} // namespace segue::update

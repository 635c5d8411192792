// SPDX-License-Identifier: Apache-2.0
// engine.hpp - one update at a time, on a thread of its own, and what the outside may ask of it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <segue/cpp/unique_fd.hpp>

#include "core/update/incoming.hpp"
#include "core/update/outgoing.hpp"

namespace segue::update {

// Thread-safe.
class Engine {
public:
    // `gone` is called on the update thread once the guest is not ours any more: this process has
    // nothing left to do. `past`: records of earlier generations, oldest first; the last of them is
    // that of `arrived`, the update that brought the guest here, which may still fetch its RAM and
    // outlives this; NULL: none did.
    Engine(Context context, std::function<void(Left)> gone, std::vector<report::UpdateRecord> past,
           Incoming* arrived = nullptr);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // EXISTS while an update is running; REFUSED for a mode that hung before.
    Result<report::UpdateRecord> start(Request request);
    // Whether that could be done; the guest and its record stay untouched. Returns when it knows.
    // EXISTS while an update, or another such question, is running.
    Result<report::Verdict> examine(Request request);
    // By id; NOT_FOUND. No status is final before the next update, or a pause, would be taken.
    Result<report::UpdateRecord> find(const std::string& id) const;
    // All that this process knows, newest first.
    std::vector<report::UpdateRecord> records() const;
    // The one in progress, or the last; nothing: none yet.
    std::optional<report::UpdateRecord> latest() const;
    // Asks the update in progress to stop and waits for its end. OK: the guest is here, as it was.
    // REFUSED: too late, it is with the new generation, or may be. NOT_FOUND: none is running.
    Status cancel();
    // The same for who ends this process. RAM that the guest on another host, which is out of
    // reach, still needs is given up: the update then ends by itself, after this.
    Status end();
    // The guest is to run on the new side before its RAM is there. REFUSED where the update in
    // progress is none of that kind; NOT_FOUND where none is; nothing is done once it does.
    Status switch_now();
    // The other host, to which the connection was lost while the guest's RAM crossed, is reached
    // there now. REFUSED where none was.
    Status recover(const std::string& address);
    // An operator's word in a switch-over between two hosts that is in doubt; REFUSED in any other.
    Status resolve(Place place);
    // REFUSED while it is: nobody here can end the guest, which may run there.
    Status check_known() const;
    bool running() const;
    // What brought the guest here is over, and ends: it is a record as the others are.
    void forget_arrived();

private:
    struct Job;
    void work(Job& job);
    void examine(Job& look);
    void hung(const std::string& mode, Code outcome);
    Status check_free(const std::string& mode) const;
    Status nothing_in_doubt() const;
    std::vector<report::UpdateRecord> past() const;

    Context context_;
    std::function<void(Left)> gone_;
    mutable std::mutex mutex_;
    std::condition_variable over_;
    std::vector<report::UpdateRecord> past_;
    Incoming* arrived_;
    std::unique_ptr<Job> job_;               // in progress, or the last
    std::unique_ptr<Job> look_;              // an examination in progress
    std::vector<std::unique_ptr<Job>> hung_; // whose hooks never came back
    std::set<std::string> distrusted_;       // modes that hung
};

} // namespace segue::update

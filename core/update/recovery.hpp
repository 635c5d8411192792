// SPDX-License-Identifier: Apache-2.0
// recovery.hpp - a fetch whose connection is lost waits until an operator names another way.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include <segue/cpp/result.hpp>

namespace segue::update {

// One of an update's side. Thread-safe.
class Recovery {
public:
    // The connection has broken: recover() is welcome from now on. [update]
    void lose();
    // After that, until there is an address. CANCELLED once it is given up. [update]
    Result<std::string> await();
    // The other host is there after all. [any]
    void reached();
    // The other host is reached there: "tcp:192.0.2.2:4444". Where another address is being tried,
    // and was not reached yet, `interrupt` ends that. REFUSED where nothing is lost.
    Status recover(const std::string& address, const std::function<void()>& interrupt);
    void give_up();
    bool given_up() const;
    // It is lost, and was not reached again yet.
    bool lost() const;
    // Somebody has named another address since await(), or gave up: what tries the last one is to
    // stop.
    bool overtaken() const;

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<std::string> address_;
    bool lost_ = false, waiting_ = false, given_up_ = false;
};

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// recovery.hpp - a fetch whose connection is lost waits until an operator names another way.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include <segue/cpp/result.hpp>

namespace segue::update {

// One of an update's side. Thread-safe.
class Recovery {
public:
    // Until there is one: its address. CANCELLED once it is given up. [update]
    Result<std::string> await();
    // The other host is reached there: "tcp:192.0.2.2:4444". REFUSED where nothing waits.
    Status recover(const std::string& address);
    void give_up();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<std::string> address_;
    bool waiting_ = false, given_up_ = false;
};

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// doubt.hpp - the question which of two hosts has the guest, while neither can know of the other;
// and an operator's answer to it.
#pragma once

#include <mutex>
#include <optional>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/report/phase.hpp"

namespace segue::update {

// As seen from the side that is asked.
enum class Place { Here, There };
constexpr report::SwitchOver resolved_to(Place place) {
    return place == Place::Here ? report::SwitchOver::ResolvedHere
                                : report::SwitchOver::ResolvedThere;
}

// One of an update. Thread-safe.
class Doubt {
public:
    // From now on it may be answered; anew, where an answer has proved wrong.
    void open();
    bool is_open() const;
    // The answer, once. REFUSED where nothing is in doubt, or it was answered otherwise.
    Status resolve(Place place);
    std::optional<Place> answer() const;
    // The other host has answered, so an operator comes too late; or did not: gives that answer.
    std::optional<Place> close();
    // Readable once there is an answer, until close().
    int fd() const { return answered_.get(); }

    Doubt();

private:
    mutable std::mutex mutex_;
    UniqueFd answered_; // eventfd
    bool open_ = false;
    std::optional<Place> answer_;
};

} // namespace segue::update

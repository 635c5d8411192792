// SPDX-License-Identifier: Apache-2.0
// frontend.hpp - the guest's control socket, as the engine sees it: open, held or closing.
#pragma once

#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"

namespace segue::ports {

// Implemented by core/control's Server; faked in tests. [update]
class Frontend {
public:
    virtual ~Frontend() = default;
    Frontend(const Frontend&) = delete;
    Frontend& operator=(const Frontend&) = delete;

    // Before the pause: accepts nobody any more and waits until the requests in hand are answered.
    // New connections wait in the socket's backlog, for resume() here or for the next generation.
    // DEADLINE where a request is still in hand; it is held all the same.
    virtual Status hold(Deadline deadline) = 0;
    // After a rollback: accepts again.
    virtual void resume() noexcept = 0;
    // True from prepare on: every answer ends its connection, so that no client keeps one to a
    // process that is about to leave.
    virtual void closing(bool on) = 0;

protected:
    Frontend() = default;
};

} // namespace segue::ports

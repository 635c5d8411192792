// SPDX-License-Identifier: Apache-2.0
// server.hpp - HTTP over the guest's control socket.
#pragma once

#include <chrono>
#include <memory>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/control/access.hpp"
#include "core/control/service.hpp"
#include "core/ports/frontend.hpp"

namespace segue::control {

struct ServerLimits {
    std::chrono::milliseconds receive{2000}; // for a request to come, and to come whole
    std::chrono::milliseconds idle{1000};    // of a kept connection, between two requests
    int threads = 8;                         // requests at once
    int connections = 64;                    // at once; others wait in the backlog
    // Accepts nobody before resume(): a standby's, whose guest is not its own yet.
    bool held = false;
    Access access;
};

// Serves from start() on, with threads of its own; the socket and the Service must be usable from
// any of them. Its destructor answers what is in hand. Who is served says
// ServerLimits::access.
class Server final : public ports::Frontend {
public:
    // Owns a copy of the listening socket, given by whoever made it or by the generation before.
    static Result<std::unique_ptr<Server>> start(Service& service, UniqueFd listening,
                                                 const ServerLimits& limits = {});
    ~Server() override;

    Status hold(Deadline deadline) override;
    void resume() noexcept override;
    void closing(bool on) override;
    // While true: every request is answered 503 with Retry-After, and the Service is not asked. For
    // a holder, between two generations.
    void stand_in(bool on);
    // After the commit: stops for good and closes our copy. The socket, its path and its backlog
    // are the next generation's.
    void release() noexcept;

private:
    class Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace segue::control

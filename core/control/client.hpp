// SPDX-License-Identifier: Apache-2.0
// client.hpp - the Service of a running guest, called over its control socket.
#pragma once

#include <chrono>
#include <string>

#include "core/control/service.hpp"

namespace segue::control {

// Every call makes its own connection, so a Client goes on over the change of generations; while
// the guest is between two, a call waits in the socket's backlog, or asks a holder again. Errors
// are the Service's own, or NOT_FOUND with the detail "guest" where no VMM listens, DEADLINE,
// CLOSED. [one thread at a time]
class Client {
public:
    Client(std::string guest, std::string socket_path,
           std::chrono::milliseconds timeout = std::chrono::seconds(10))
        : guest_(std::move(guest))
        , path_(std::move(socket_path))
        , timeout_(timeout) {}

    Status healthz() const;
    Result<VmInfo> vm() const;
    Status pause() const;
    Status resume() const;
    Status wakeup() const;
    Status shutdown() const;
    Status set_balloon(std::uint64_t bytes) const;
    Status quit() const;
    // With a key it is asked again where the connection is cut: it is one update all the same.
    Result<report::UpdateRecord> start_update(const UpdateRequest& request) const;
    // Takes as long as the new binary needs to answer: update.deadline.prepare at most.
    Result<report::Verdict> preflight(const UpdateRequest& request) const;
    Result<std::vector<report::UpdateRecord>> updates(std::size_t limit) const; // newest first
    Result<std::vector<PluginInfo>> plugins() const;
    Result<report::UpdateRecord> update(const std::string& id) const;
    Status cancel_update() const;
    Status switch_now() const;
    Status recover(const std::string& channel) const;
    Status resolve(bool here) const;

    const std::string& guest() const { return guest_; }

private:
    struct Call {
        std::string method, path, body, key;
        bool again() const { return method == "GET" || !key.empty(); } // does no harm
    };
    Result<std::string> call(const Call& call) const;
    Result<std::string> call_once(const Call& call) const;

    std::string guest_, path_;
    std::chrono::milliseconds timeout_;
};

// True where `error` says that no VMM of that name listens.
bool is_no_guest(const Error& error);

} // namespace segue::control

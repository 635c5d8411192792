// SPDX-License-Identifier: Apache-2.0
// agent.hpp - speaks with the QEMU guest agent, over the unix socket of its port.
#pragma once

#include <string>
#include <string_view>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"

namespace segue::control {

// One connection, one command at a time: JSON objects, answers in lines. Source: QEMU, qga/
// qapi-schema.json and docs/interop/qemu-ga.rst. [one thread]
class Agent {
public:
    // True of a command that answers only where it fails: guest-suspend-ram, guest-shutdown.
    static bool is_silent(std::string_view command);

    // Connects, and has the agent say a number that it cannot have said before, so that nothing
    // left over is taken for an answer. DEADLINE: no agent answers; EXISTS: somebody else speaks
    // with it; NOT_FOUND, CLOSED: nothing listens at `socket`.
    static Result<Agent> connect(const std::string& socket, Deadline deadline);

    // `arguments`: a JSON object, or empty.
    Status send(const std::string& command, const std::string& arguments, Deadline deadline);
    // What it returned, as JSON. REFUSED: it says that it cannot. After DEADLINE it may be asked
    // again.
    Result<std::string> answer(Deadline deadline);

private:
    Agent(UniqueFd socket, std::string path)
        : socket_(std::move(socket))
        , path_(std::move(path)) {}
    Status synchronise(Deadline deadline);
    Status send(std::string_view bytes, Deadline deadline);
    // Appends what comes to unread_.
    Status receive(Deadline deadline);
    Result<std::string> line(Deadline deadline);

    UniqueFd socket_;
    std::string path_;
    std::string unread_;
};

} // namespace segue::control

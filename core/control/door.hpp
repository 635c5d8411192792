// SPDX-License-Identifier: Apache-2.0
// door.hpp - a listening socket that came from somebody else, and everyone who came in by it.
//
// Poco 1.11 cannot adopt a listening descriptor, accepts without CLOEXEC, and cannot stop accepting
// without closing. Door does these three for one Poco server.
#pragma once

#include <chrono>
#include <memory>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"

namespace Poco::Net {
class ServerSocket;
}

namespace segue::control {

struct DoorLimits {
    std::size_t visitors = 64;               // at once; others wait in the socket's backlog
    std::chrono::milliseconds request{2000}; // from its first byte to its last
    // Who has just come in is about to ask, and is not shown out before that.
    std::chrono::milliseconds greeting{200};
};

// The listener itself is only ever closed, never shut down: the next generation has a copy. [any]
class Door {
public:
    // INVALID where `listening` is no listening unix stream socket.
    static Result<std::unique_ptr<Door>> adopt(UniqueFd listening, DoorLimits limits = {});
    ~Door();
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;

    // For one Poco server; its thread takes the connections.
    Poco::Net::ServerSocket socket() const;

    // Takes nobody in any more, cuts connections on which nothing was asked, and waits until the
    // others have gone. DEADLINE where some have not; it stays shut.
    Status hold(Deadline deadline);
    void open() noexcept;
    // For good: the server's thread is woken, and waits no more.
    void stop() noexcept;

private:
    class Room;
    class Listener;
    class Visitor;
    Door(std::shared_ptr<Room> room, UniqueFd listening);
    const std::shared_ptr<Room> room_;
    const std::unique_ptr<Poco::Net::ServerSocket> socket_;
};

} // namespace segue::control

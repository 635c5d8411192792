// SPDX-License-Identifier: Apache-2.0
// entrance.hpp - the one address at which all connections of an update from another host come in.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/update/channel.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

// Sorts connections by what they say they are: over a network a later one may come first. Whoever
// does not greet as the update's own VMM is hung up on. [any]
class Entrance {
public:
    explicit Entrance(plugin::Listener listener)
        : listener_(std::move(listener)) {}
    // Of an update that has begun.
    Entrance(plugin::Listener listener, const Nonce& nonce)
        : listener_(std::move(listener))
        , nonce_(nonce) {}

    // The engine stream. The first one begins the update: only its VMM is let in from then on. A
    // later one replaces one that was lost.
    Result<Stream> engine(const Waiter& wait);
    // Readable while somebody waits to be let in; -1: nobody can say.
    int fd() const { return listener_.ready(plugin::Direction::Read).fd; }
    // A channel's connection, once it is there.
    Result<Channel> take(const std::string& name, std::uint32_t index, const Waiter& wait);
    // Nobody comes in any more, and the address is free; CLOSED for who still wants to take one.
    void close();

private:
    using Key = std::pair<std::string, std::uint32_t>;
    Result<plugin::Channel> accept(const Waiter& wait);
    Status let_in(const Waiter& wait);

    std::mutex mutex_;
    plugin::Listener listener_;  // empty once closed
    std::optional<Nonce> nonce_; // of the update, once it has begun
    std::map<Key, Channel> here_;
};

// The connection on which the engine itself speaks.
inline constexpr const char* kEngineChannel = "engine";

} // namespace segue::update

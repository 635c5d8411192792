// SPDX-License-Identifier: Apache-2.0
// connection.hpp - TLS 1.3 over one connected socket.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <segue/cpp/transport.hpp>

#include "context.hpp"
#include "refusal.hpp"
#include "socket_bio.hpp"
#include "witness.hpp"

namespace tls {

// Nothing here blocks. OpenSSL wants one thread at a time, a channel may have one a direction: a
// mutex stands between them, for as long as 256 KiB take to be encrypted.
class Connection {
public:
    static segue::Result<std::unique_ptr<Connection>> make(std::shared_ptr<const Context> context,
                                                           segue::UniqueFd fd, Role role);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection(); // whoever lets go of an open one has ended it: says so to the other side

    int fd() const { return wire_.fd.get(); }
    // Whether anything has come yet. [before it is open]
    bool heard() const { return wire_.first_byte >= 0; }

    // Again until both sides have taken the other one's proof. [before anything else]
    segue::Status handshake();
    // Closed after the other side's end; Io where the connection was cut before it.
    segue::Result<std::uint64_t> read(segue::ConstIov to);
    // After Again the same bytes must be offered again: they are encrypted already.
    segue::Result<std::uint64_t> write(segue::ConstIov from);
    segue::Status end();
    void abort();

private:
    enum class Stage { Shaking, Confirming, Open, Ended, Dead };

    Connection(std::shared_ptr<const Context> context, segue::UniqueFd fd, Role role);
    segue::Status shake();
    segue::Status confirm();
    segue::Status stopped(int result);
    segue::Status flush();
    segue::Status renew_key();
    segue::Error fail(segue::Error why);
    std::uint64_t encrypt(segue::ConstIov from);
    segue::Result<std::uint64_t> read_stopped();

    std::mutex mutex_;
    std::shared_ptr<const Context> context_;
    Role role_;
    Stage stage_ = Stage::Shaking;
    std::string peer_; // for errors
    Witness witness_;
    Wire wire_; // outlives ssl_
    Ssl ssl_;
    std::uint64_t owed_ = 0;    // encrypted, not all sent yet, and not yet reported as taken
    std::uint64_t written_ = 0; // with the present key
    std::optional<segue::Error> failure_;
};

} // namespace tls

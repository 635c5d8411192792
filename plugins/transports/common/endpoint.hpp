// SPDX-License-Identifier: Apache-2.0
// endpoint.hpp - an IP address and a port, and sockets for them.
#pragma once

#include <sys/socket.h>

#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::tcp {

// Value type.
class Endpoint {
public:
    // "192.0.2.1:4444" or "[2001:db8::1]:4444". Numbers only: a name would have to be looked up,
    // and the resolver knows no deadline.
    static Result<Endpoint> parse(const std::string& text);

    int family() const { return storage_.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t size() const { return size_; }

private:
    sockaddr_storage storage_ = {};
    socklen_t size_ = 0;
};

// A non-blocking socket that notices a peer that is gone: keepalive after `keepalive_s` seconds of
// silence, and as long for bytes that nobody acknowledges (tcp(7)).
Result<UniqueFd> make_socket(int family, unsigned keepalive_s);
// The same settings for one that accept4(2) gave.
Status tune(int fd, unsigned keepalive_s);

// "192.0.2.1:4444" of who is connected, for errors.
std::string peer_of(int fd);

} // namespace segue::tcp

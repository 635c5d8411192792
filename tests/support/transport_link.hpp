// SPDX-License-Identifier: Apache-2.0
// transport_link.hpp - for tests: both ends of a transport in one thread, as a host polls them.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

#include "core/plugin/adapters/transport.hpp"

namespace segue::test {

inline segue_iov iov(std::string& text) {
    return {text.data(), text.size()};
}

// A port that was free a moment ago; the address is the loopback's.
inline std::string free_address(bool v6 = false) {
    const UniqueFd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
    sockaddr_in6 a = {};
    socklen_t size = sizeof a;
    auto* raw = reinterpret_cast<sockaddr*>(&a);
    if (v6) {
        a.sin6_family = AF_INET6;
        a.sin6_addr = in6addr_loopback;
    } else {
        auto& a4 = reinterpret_cast<sockaddr_in&>(a);
        a4.sin_family = AF_INET;
        a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof a4;
    }
    EXPECT_EQ(::bind(fd.get(), raw, size), 0);
    EXPECT_EQ(::getsockname(fd.get(), raw, &size), 0);
    // The port is at the same place in both.
    return (v6 ? "[::1]:" : "127.0.0.1:") + std::to_string(ntohs(a.sin6_port));
}

// Polls as the host does, as long as `f` answers Again.
template <class F>
Status until_done(F f) {
    for (int i = 0; i < 4000; ++i) {
        Status s = f();
        if (s.code() != Code::Again)
            return s;
        (void)::poll(nullptr, 0, 2);
    }
    return Error(Code::Deadline, "nothing happens");
}

// What comes next, `bytes` of it; or why it does not.
inline std::string read(plugin::Channel& c, std::size_t bytes) {
    std::string all, room(bytes, '.');
    std::vector<UniqueFd> fds;
    const Status s = until_done([&]() -> Status {
        const segue_iov to = {room.data(), bytes - all.size()};
        SEGUE_ASSIGN(const std::uint64_t n, c.read({&to, 1}, fds));
        all += room.substr(0, n);
        return all.size() < bytes ? Status(Error(Code::Again, "more")) : Status();
    });
    return s ? all : s.error().what();
}

} // namespace segue::test

// SPDX-License-Identifier: Apache-2.0
#include "plugins/transports/tls/relay_test.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

namespace segue::test {

namespace {

sockaddr_in parse(const std::string& address) {
    sockaddr_in a = {};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    return a;
}

} // namespace

UniqueFd raw_listen(const std::string& address) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in a = parse(address);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    EXPECT_EQ(::listen(fd.get(), 4), 0);
    return fd;
}

UniqueFd raw_connect(const std::string& address) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in a = parse(address);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    return fd;
}

Relay::Relay(const std::string& at, std::string to)
    : listener_(raw_listen(at))
    , thread_([this, to = std::move(to)] { run(to); }) {}

void Relay::cut() {
    stop_ = true;
    if (thread_.joinable())
        thread_.join();
}

std::string Relay::seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
}

void Relay::run(const std::string& to) {
    pollfd first = {listener_.get(), POLLIN, 0};
    while (::poll(&first, 1, 5) != 1)
        if (stop_)
            return;
    const UniqueFd in(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const UniqueFd out = raw_connect(to);
    while (!stop_) {
        std::array<pollfd, 2> p = {{{in.get(), POLLIN, 0}, {out.get(), POLLIN, 0}}};
        (void)::poll(p.data(), p.size(), 5);
        if ((p[0].revents != 0 && !pass(in.get(), out.get(), true)) ||
            (p[1].revents != 0 && !pass(out.get(), in.get(), false)))
            return;
    }
}

bool Relay::pass(int from, int to, bool forward) {
    std::array<char, 16384> room;
    const ssize_t n = ::recv(from, room.data(), room.size(), 0);
    if (n <= 0)
        return false;
    if (forward && change_.exchange(false))
        room[static_cast<std::size_t>(n) / 2] ^= 1;
    {
        const std::lock_guard lock(mutex_);
        seen_.append(room.data(), static_cast<std::size_t>(n));
    }
    return ::send(to, room.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) == n;
}

} // namespace segue::test

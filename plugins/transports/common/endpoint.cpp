// SPDX-License-Identifier: Apache-2.0
#include "plugins/transports/common/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace segue::tcp {

namespace {

constexpr int kProbes = 3;

Error no_address(const std::string& text) {
    return Error(Code::Invalid, "'" + text + "' is no IP address and port")
        .way_out("write 192.0.2.1:4444 or [2001:db8::1]:4444; names are not looked up");
}

Status set(int fd, int level, int option, int value) {
    if (::setsockopt(fd, level, option, &value, sizeof value) == 0)
        return {};
    return Error::from_errno(errno, "setsockopt of a TCP socket");
}

} // namespace

Result<Endpoint> Endpoint::parse(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos)
        return no_address(text);
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error != std::errc{} || stop != end || port == 0)
        return no_address(text);
    std::string host = text.substr(0, colon);
    Endpoint e;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(e.storage_);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        e.size_ = sizeof v6;
        host = host.substr(1, host.size() - 2);
        return ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1 ? Result<Endpoint>(e)
                                                                       : no_address(text);
    }
    auto& v4 = reinterpret_cast<sockaddr_in&>(e.storage_);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    e.size_ = sizeof v4;
    return ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1 ? Result<Endpoint>(e)
                                                                 : no_address(text);
}

std::string peer_of(int fd) {
    sockaddr_storage a = {};
    socklen_t size = sizeof a;
    char text[INET6_ADDRSTRLEN] = "";
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&a), &size) != 0)
        return "the other side";
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(a);
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(a);
    if (a.ss_family == AF_INET)
        return std::string(::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text)) + ":" +
               std::to_string(ntohs(v4.sin_port));
    return "[" + std::string(::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text)) +
           "]:" + std::to_string(ntohs(v6.sin6_port));
}

Status tune(int fd, unsigned keepalive_s) {
    const int seconds = static_cast<int>(keepalive_s);
    SEGUE_TRY(set(fd, IPPROTO_TCP, TCP_NODELAY, 1));
    SEGUE_TRY(set(fd, SOL_SOCKET, SO_KEEPALIVE, 1));
    SEGUE_TRY(set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds));
    SEGUE_TRY(set(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds));
    SEGUE_TRY(set(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes));
    return set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * kProbes * 1000);
}

Result<UniqueFd> make_socket(int family, unsigned keepalive_s) {
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return Error::from_errno(errno, "make a TCP socket");
    SEGUE_TRY(tune(fd.get(), keepalive_s));
    return fd;
}

} // namespace segue::tcp

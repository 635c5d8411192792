// SPDX-License-Identifier: Apache-2.0
#include "tests/support/visit.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "core/base/unix_socket.hpp"
#include "core/base/wait.hpp"

namespace segue::test {

namespace {

constexpr std::size_t kPart = 4096;

// Where the body begins, and how long it is; 0: the head is not whole yet.
struct Shape {
    std::size_t body = 0, length = 0;
};
Shape shape_of(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos)
        return {};
    constexpr std::string_view key = "Content-Length: ";
    const auto at = text.substr(0, end).find(key);
    return {end + 4, at == std::string::npos ? 0 : std::stoul(text.substr(at + key.size()))};
}

} // namespace

Result<Visit> Visit::open(const std::string& socket, Deadline deadline) {
    SEGUE_ASSIGN(UniqueFd fd, connect_unix(socket, deadline));
    return Visit(std::move(fd));
}

Status Visit::ask(const std::string& path, bool keep) const {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: guest\r\nConnection: " +
                                (keep ? "keep-alive" : "close") + "\r\n\r\n";
    const auto n = ::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(request.size()))
        return {};
    if (n < 0 && errno == EPIPE)
        return Error(Code::Closed, "the other side has closed");
    return Error::from_errno(errno, "send");
}

Result<HttpAnswer> Visit::answer(Deadline deadline) const {
    std::string text;
    for (char part[kPart];;) {
        const Shape shape = shape_of(text);
        if (shape.body != 0 && text.size() >= shape.body + shape.length)
            return HttpAnswer{std::stoi(text.substr(text.find(' ') + 1)),
                              text.substr(0, shape.body), text.substr(shape.body)};
        SEGUE_TRY(Waiter{deadline}.until(fd_.get(), POLLIN));
        const auto n = ::recv(fd_.get(), part, sizeof part, MSG_DONTWAIT);
        if (n <= 0)
            return Error(Code::Corrupt, std::string(n == 0 ? "the end" : "a reset") + " after " +
                                            std::to_string(text.size()) + " bytes of an answer");
        text.append(part, static_cast<std::size_t>(n));
    }
}

bool Visit::ended() const {
    char byte;
    return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

Result<HttpAnswer> visit(const std::string& socket, const std::string& path, Deadline deadline) {
    SEGUE_ASSIGN(const Visit v, Visit::open(socket, deadline));
    SEGUE_TRY(v.ask(path, false));
    return v.answer(deadline);
}

} // namespace segue::test

// SPDX-License-Identifier: Apache-2.0
// visit.hpp - for tests: a connection to a control socket, without any of control::Client's
// indulgence: it never asks twice.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"

namespace segue::test {

struct HttpAnswer {
    int status = 0;
    std::string head, body;

    bool has(const std::string& line) const { return head.find(line) != std::string::npos; }
};

class Visit {
public:
    // An error is a refusal.
    static Result<Visit> open(const std::string& socket, Deadline deadline);

    // GET `path`. CLOSED: the other side takes nothing any more, and has taken none of this.
    Status ask(const std::string& path, bool keep) const;
    // The whole answer. CORRUPT: the end of the connection, or a reset, came before all of it.
    Result<HttpAnswer> answer(Deadline deadline) const;
    // Whether the other side has ended the connection, as one sees before one asks.
    bool ended() const;

private:
    explicit Visit(UniqueFd fd)
        : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

// One request on a connection of its own.
Result<HttpAnswer> visit(const std::string& socket, const std::string& path, Deadline deadline);

} // namespace segue::test

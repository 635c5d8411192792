// SPDX-License-Identifier: Apache-2.0
// routes.hpp - which request calls what of the Service, and what the answer says. No sockets here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/control/service.hpp"

namespace segue::control {

inline constexpr std::size_t kMaxBody = 64u << 10; // bytes

struct Request {
    std::string method; // "GET"
    std::string path;   // without a query
    std::string body;
};

struct Answer {
    int status = 200;
    std::string content_type; // empty: no body
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

// Never throws what the Service does not throw. [any]
Answer answer(Service& service, const Request& request);
// A problem report, with the HTTP status that fits the error's code.
Answer problem(const Error& error);
Answer problem(const Error& error, int http_status);

} // namespace segue::control

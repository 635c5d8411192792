// SPDX-License-Identifier: Apache-2.0
// routes.hpp - which request calls what of the Service, and what the answer says. No sockets here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/control/service.hpp"

namespace segue::control {

inline constexpr std::size_t kMaxBody = 64u << 10;                   // bytes
inline constexpr std::size_t kUsualUpdates = 20, kMostUpdates = 100; // in GET /v1/updates

struct Request {
    std::string method; // "GET"
    std::string target; // path, perhaps with a query: "/v1/updates?limit=5"
    std::string body;
    std::string idempotency_key; // the header of that name; empty: none
    bool from_owner = true;      // not only somebody of the socket's group
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

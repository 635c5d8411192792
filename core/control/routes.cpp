// SPDX-License-Identifier: Apache-2.0
#include "core/control/routes.hpp"

#include <array>
#include <charconv>
#include <string_view>

#include "core/base/list.hpp"
#include "core/control/idempotency.hpp"
#include "core/control/json.hpp"

namespace segue::control {
namespace {

Answer json(int status, std::string body) {
    return {status, "application/json", std::move(body), {}};
}

Answer done(const Status& status) {
    return status ? Answer{204, "", "", {}} : problem(status.error());
}

// What stands before the query, and the query.
std::pair<std::string, std::string> split(const std::string& target) {
    const auto at = target.find('?');
    return {target.substr(0, at), at == target.npos ? "" : target.substr(at + 1)};
}

// "limit=N" is the only query that any path takes.
Result<std::size_t> limit_of(const Request& request) {
    const std::string query = split(request.target).second;
    if (query.empty())
        return kUsualUpdates;
    constexpr std::string_view name = "limit=";
    std::size_t limit = 0;
    const char* const end = query.data() + query.size();
    if (query.compare(0, name.size(), name) == 0) {
        const auto read = std::from_chars(query.data() + name.size(), end, limit);
        if (read.ec == std::errc() && read.ptr == end && limit >= 1 && limit <= kMostUpdates)
            return limit;
    }
    return Error(Code::Invalid, "the query '" + query + "' is not understood")
        .way_out("?limit=N, with N from 1 to " + std::to_string(kMostUpdates));
}

// `tail` is what stands in place of a pattern's last '*'.
using Handler = Answer (*)(Service& service, const Request& request, const std::string& tail);

Answer healthz(Service&, const Request&, const std::string&) {
    return json(200, R"({"status":"ok"})");
}
Answer get_vm(Service& service, const Request&, const std::string&) {
    return json(200, to_json(service.vm()));
}
Answer pause(Service& service, const Request&, const std::string&) {
    return done(service.pause());
}
Answer resume(Service& service, const Request&, const std::string&) {
    return done(service.resume());
}
Answer wakeup(Service& service, const Request&, const std::string&) {
    return done(service.wakeup());
}
Answer shutdown(Service& service, const Request&, const std::string&) {
    return done(service.shutdown());
}
Answer set_balloon(Service& service, const Request& request, const std::string&) {
    const auto bytes = balloon_from_json(request.body);
    return done(bytes ? service.set_balloon(*bytes) : Status(bytes.error()));
}
Answer quit(Service& service, const Request&, const std::string&) {
    return done(service.quit());
}
Result<UpdateRequest> update_request(const Request& request) {
    SEGUE_ASSIGN(UpdateRequest wish, request.body.empty() ? Result<UpdateRequest>(UpdateRequest{})
                                                          : request_from_json(request.body));
    if (!request.idempotency_key.empty())
        SEGUE_TRY(check_key(request.idempotency_key));
    wish.key = request.idempotency_key;
    wish.from_owner = request.from_owner;
    return wish;
}
Answer start_update(Service& service, const Request& request, const std::string&) {
    const auto wish = update_request(request);
    if (!wish)
        return problem(wish.error());
    const auto record = service.start_update(*wish);
    if (!record && !record.error().detail("idempotency_key").empty())
        return problem(record.error(), 422); // as the draft says, section 2.7
    if (!record)
        return problem(record.error());
    Answer a = json(202, to_json(*record));
    a.headers.emplace_back("Location", "/v1/updates/" + record->id);
    return a;
}
Answer preflight(Service& service, const Request& request, const std::string&) {
    const auto wish = update_request(request);
    if (!wish)
        return problem(wish.error());
    const auto verdict = service.preflight(*wish);
    return verdict ? json(200, to_json(*verdict)) : problem(verdict.error());
}
Answer get_updates(Service& service, const Request& request, const std::string&) {
    const auto limit = limit_of(request);
    return limit ? json(200, to_json(service.updates(*limit))) : problem(limit.error());
}
Answer get_plugins(Service& service, const Request&, const std::string&) {
    return json(200, to_json(service.plugins()));
}
Answer get_update(Service& service, const Request&, const std::string& id) {
    const auto record = service.update(id);
    return record ? json(200, to_json(*record)) : problem(record.error());
}
Answer cancel_update(Service& service, const Request&, const std::string&) {
    return done(service.cancel_update());
}

Answer switch_now(Service& service, const Request&, const std::string&) {
    return done(service.switch_now());
}

// A body as an update's, with the channel alone.
Answer recover(Service& service, const Request& request, const std::string&) {
    const auto wish = update_request(request);
    if (!wish)
        return problem(wish.error());
    if (wish->channel.empty())
        return problem(Error(Code::Invalid, "it is not said where the other host is")
                           .way_out("{\"channel\": \"tcp:192.0.2.2:4444\"}"));
    return done(service.recover(wish->channel, wish->from_owner));
}

Answer resolve(Service& service, const Request& request, const std::string&) {
    const auto here = resolution_from_json(request.body);
    return done(here ? service.resolve(*here) : Status(here.error()));
}

struct Route {
    std::string_view method, pattern;
    Handler handler;
};
constexpr std::array<Route, 17> kRoutes = {{{"GET", "/healthz", healthz},
                                            {"GET", "/v1/plugins", get_plugins},
                                            {"GET", "/v1/updates", get_updates},
                                            {"GET", "/v1/vm", get_vm},
                                            {"POST", "/v1/vm/balloon", set_balloon},
                                            {"POST", "/v1/vm/pause", pause},
                                            {"POST", "/v1/vm/quit", quit},
                                            {"POST", "/v1/vm/resume", resume},
                                            {"POST", "/v1/vm/shutdown", shutdown},
                                            {"POST", "/v1/vm/wakeup", wakeup},
                                            {"POST", "/v1/preflight", preflight},
                                            {"POST", "/v1/updates", start_update},
                                            {"DELETE", "/v1/updates/current", cancel_update},
                                            {"POST", "/v1/updates/current/postcopy", switch_now},
                                            {"POST", "/v1/updates/current/recover", recover},
                                            {"POST", "/v1/updates/current/resolve", resolve},
                                            {"GET", "/v1/updates/*", get_update}}};

bool matches(std::string_view pattern, std::string_view path) {
    if (pattern.back() != '*')
        return pattern == path;
    const auto stem = pattern.substr(0, pattern.size() - 1);
    return path.size() > stem.size() && path.substr(0, stem.size()) == stem &&
           path.find('/', stem.size()) == path.npos;
}

int http_status_of(Code code) {
    switch (code) {
    case Code::Invalid:
        return 400;
    case Code::NotFound:
        return 404;
    case Code::Exists:
    case Code::Refused:
    case Code::Phase:
    case Code::Cancelled:
        return 409;
    case Code::Unsupported:
        return 501;
    case Code::Again:
    case Code::Paused:
        return 503;
    case Code::Deadline:
        return 504;
    default:
        return 500;
    }
}

} // namespace

Answer answer(Service& service, const Request& request) {
    const std::string path = split(request.target).first;
    std::string allowed;
    for (const Route& route : kRoutes) {
        if (!matches(route.pattern, path))
            continue;
        if (route.method == request.method)
            return route.handler(service, request,
                                 path.substr(route.pattern.find_last_of('/') + 1));
        add_to_list(allowed, route.method);
    }
    if (allowed.empty())
        return problem(
            Error(Code::NotFound, "there is no " + path)
                .way_out(
                    "the paths are /healthz, /v1/vm, /v1/updates, /v1/preflight and /v1/plugins"));
    Answer a = problem(Error(Code::Unsupported, path + " does not take " + request.method)
                           .way_out("it takes " + allowed),
                       405);
    a.headers.emplace_back("Allow", allowed);
    return a;
}

Answer problem(const Error& error) {
    return problem(error, http_status_of(error.code()));
}

Answer problem(const Error& error, int http_status) {
    return {http_status, "application/problem+json", to_problem(error, http_status), {}};
}

} // namespace segue::control

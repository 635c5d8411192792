// SPDX-License-Identifier: Apache-2.0
#include "core/control/routes.hpp"

#include <array>
#include <string_view>

#include "core/control/json.hpp"

namespace segue::control {
namespace {

Answer json(int status, std::string body) {
    return {status, "application/json", std::move(body), {}};
}

Answer done(const Status& status) {
    return status ? Answer{204, "", "", {}} : problem(status.error());
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
Answer shutdown(Service& service, const Request&, const std::string&) {
    return done(service.shutdown());
}
Answer start_update(Service& service, const Request& request, const std::string&) {
    auto wish = request.body.empty() ? UpdateRequest{} : request_from_json(request.body);
    if (!wish)
        return problem(wish.error());
    const auto record = service.start_update(*wish);
    if (!record)
        return problem(record.error());
    Answer a = json(202, to_json(*record));
    a.headers.emplace_back("Location", "/v1/updates/" + record->id);
    return a;
}
Answer get_update(Service& service, const Request&, const std::string& id) {
    const auto record = service.update(id);
    return record ? json(200, to_json(*record)) : problem(record.error());
}
Answer cancel_update(Service& service, const Request&, const std::string&) {
    return done(service.cancel_update());
}

struct Route {
    std::string_view method, pattern;
    Handler handler;
};
constexpr std::array<Route, 8> kRoutes = {{{"GET", "/healthz", healthz},
                                           {"GET", "/v1/vm", get_vm},
                                           {"POST", "/v1/vm/pause", pause},
                                           {"POST", "/v1/vm/resume", resume},
                                           {"POST", "/v1/vm/shutdown", shutdown},
                                           {"POST", "/v1/updates", start_update},
                                           {"DELETE", "/v1/updates/current", cancel_update},
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
    std::string allowed;
    for (const Route& route : kRoutes) {
        if (!matches(route.pattern, request.path))
            continue;
        if (route.method == request.method)
            return route.handler(service, request,
                                 request.path.substr(route.pattern.find_last_of('/') + 1));
        allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    if (allowed.empty())
        return problem(Error(Code::NotFound, "there is no " + request.path)
                           .way_out("the paths are /healthz, /v1/vm and /v1/updates"));
    Answer a = problem(Error(Code::Unsupported, request.path + " does not take " + request.method)
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

// SPDX-License-Identifier: Apache-2.0
#include "core/control/server.hpp"

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/ThreadPool.h>

#include <atomic>
#include <istream>

#include "core/base/log.hpp"
#include "core/base/unix_socket.hpp"
#include "core/control/door.hpp"
#include "core/control/routes.hpp"

namespace segue::control {
namespace {

namespace net = Poco::Net;

Status check_peer(net::HTTPServerRequest& request) {
    const auto fd = static_cast<net::HTTPServerRequestImpl&>(request).socket().impl()->sockfd();
    SEGUE_ASSIGN(const auto peer, peer_of(fd));
    if (peer.uid != 0 && peer.uid != ::geteuid())
        return Error(Code::Refused, "uid " + std::to_string(peer.uid) +
                                        " may not control this guest, which belongs to uid " +
                                        std::to_string(::geteuid()))
            .way_out("run the command as that user or as root");
    return {};
}

// At most kMaxBody bytes, whatever Content-Length says or chunks bring.
Result<std::string> read_body(net::HTTPServerRequest& request) {
    if (!request.hasContentLength() && !request.getChunkedTransferEncoding())
        return std::string(); // RFC 9112 section 6.3; Poco would read to the end of file
    std::string body(kMaxBody + 1, '\0');
    request.stream().read(body.data(), static_cast<std::streamsize>(body.size()));
    body.resize(static_cast<std::size_t>(request.stream().gcount()));
    if (body.size() > kMaxBody)
        return Error(Code::Invalid,
                     "the request's body has more than " + std::to_string(kMaxBody) + " bytes");
    return body;
}

std::string without_query(const std::string& uri) {
    return uri.substr(0, uri.find('?'));
}

// What the update thread, or a standby's main thread, says to all handlers.
struct Manners {
    std::atomic<bool> closing = false;  // every answer ends its connection
    std::atomic<bool> stand_in = false; // every answer is "ask again"
};

Answer ask_again() {
    Answer a = problem(Error(Code::Again, "the guest is between two generations of its VMM")
                           .way_out("ask again in a second"));
    a.headers.emplace_back("Retry-After", "1");
    return a;
}

class Handler final : public net::HTTPRequestHandler {
public:
    Handler(Service& service, const Manners& manners)
        : service_(service)
        , manners_(manners) {}

    void handleRequest(net::HTTPServerRequest& request, net::HTTPServerResponse& out) override {
        const Answer a = answer_to(request, out);
        if (manners_.closing || manners_.stand_in)
            out.setKeepAlive(false);
        out.setStatusAndReason(static_cast<net::HTTPResponse::HTTPStatus>(a.status));
        for (const auto& [key, value] : a.headers)
            out.set(key, value);
        if (a.content_type.empty()) {
            out.setContentLength(0);
            out.send();
            return;
        }
        out.setContentType(a.content_type);
        out.sendBuffer(a.body.data(), a.body.size());
    }

private:
    Answer answer_to(net::HTTPServerRequest& request, net::HTTPServerResponse& out) {
        if (const auto allowed = check_peer(request); !allowed) {
            out.setKeepAlive(false);
            return problem(allowed.error(), 403);
        }
        auto body = read_body(request);
        if (!body) {
            out.setKeepAlive(false); // the rest of the body is still on its way
            return problem(body.error(), 413);
        }
        if (manners_.stand_in)
            return ask_again();
        return answer(service_,
                      {request.getMethod(), without_query(request.getURI()), std::move(*body)});
    }

    Service& service_;
    const Manners& manners_;
};

class Factory final : public net::HTTPRequestHandlerFactory {
public:
    Factory(Service& service, const Manners& manners)
        : service_(service)
        , manners_(manners) {}
    net::HTTPRequestHandler* createRequestHandler(const net::HTTPServerRequest&) override {
        return new Handler(service_, manners_);
    }

private:
    Service& service_;
    const Manners& manners_;
};

Poco::Timespan timespan(std::chrono::milliseconds time) {
    return Poco::Timespan(std::chrono::microseconds(time).count());
}

net::HTTPServerParams::Ptr params_of(const ServerLimits& limits) {
    net::HTTPServerParams::Ptr params = new net::HTTPServerParams;
    params->setTimeout(timespan(limits.receive));
    params->setKeepAlive(true);
    params->setKeepAliveTimeout(timespan(limits.idle));
    params->setMaxThreads(limits.threads);
    params->setMaxQueued(limits.queued);
    return params;
}

} // namespace

// The pool has all its threads from the start: their number never depends on what was asked.
class Server::Impl {
public:
    Impl(Service& service, std::unique_ptr<Door> way_in, const ServerLimits& limits)
        : door(std::move(way_in))
        , pool_("control", limits.threads, limits.threads)
        , http_(new Factory(service, manners), pool_, door->socket(), params_of(limits)) {
        if (limits.held)
            (void)door->hold(Deadline::in(std::chrono::seconds(0))).ok(); // nobody can be inside
        http_.start();
    }
    ~Impl() {
        door->stop();
        http_.stop();
        pool_.joinAll(); // a pool that ends drops a started thread's work, and the dispatcher leaks
    }

    Manners manners;
    const std::unique_ptr<Door> door;

private:
    Poco::ThreadPool pool_;
    net::HTTPServer http_;
};

Server::Server(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

Server::~Server() {
    release();
}

Result<std::unique_ptr<Server>> Server::start(Service& service, UniqueFd listening,
                                              const ServerLimits& limits) {
    SEGUE_ASSIGN(auto door, Door::adopt(std::move(listening)));
    try {
        return std::unique_ptr<Server>(
            new Server(std::make_unique<Impl>(service, std::move(door), limits)));
    } catch (const Poco::Exception& e) {
        return Error(Code::Io, "start the control socket's server: " + e.displayText());
    }
}

Status Server::hold(Deadline deadline) {
    if (impl_ == nullptr)
        return Error(Code::Closed, "the control socket was given up");
    return impl_->door->hold(deadline);
}

void Server::resume() noexcept {
    if (impl_ != nullptr)
        impl_->door->open();
}

void Server::closing(bool on) {
    if (impl_ != nullptr)
        impl_->manners.closing = on;
}

void Server::stand_in(bool on) {
    if (impl_ != nullptr)
        impl_->manners.stand_in = on;
}

void Server::release() noexcept {
    if (impl_ == nullptr)
        return;
    if (const auto held = impl_->door->hold(Deadline::in(std::chrono::seconds(5))); !held)
        log::warn(held.error().what());
    impl_.reset();
}

} // namespace segue::control

// SPDX-License-Identifier: Apache-2.0
#include "core/control/server.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <Poco/ThreadPool.h>
#include <pthread.h>

#include "core/base/log.hpp"
#include "core/control/connection.hpp"
#include "core/control/door.hpp"

namespace segue::control {
namespace {

namespace net = Poco::Net;

net::TCPServerParams::Ptr params_of(const ServerLimits& limits) {
    net::TCPServerParams::Ptr params = new net::TCPServerParams;
    params->setMaxThreads(limits.threads);
    params->setMaxQueued(limits.connections); // the Door takes no more in
    // stop() wakes only the threads that wait already; one that comes to wait a moment later stays
    // that long, and the process with it. Poco's own choice is 10 s.
    params->setThreadIdleTime(Poco::Timespan(250 * Poco::Timespan::MILLISECONDS));
    return params;
}

// A thread gets the name of the one that makes it, and Poco gives its threads no other.
class NameOfChildren {
public:
    explicit NameOfChildren(const char* name) {
        (void)::pthread_getname_np(::pthread_self(), own_, sizeof own_);
        (void)::pthread_setname_np(::pthread_self(), name);
    }
    ~NameOfChildren() { (void)::pthread_setname_np(::pthread_self(), own_); }
    NameOfChildren(const NameOfChildren&) = delete;
    NameOfChildren& operator=(const NameOfChildren&) = delete;

private:
    char own_[16] = {};
};

} // namespace

// The pool has all its threads from the start: their number never depends on what was asked.
class Server::Impl {
public:
    Impl(Service& service, std::unique_ptr<Door> way_in, const ServerLimits& limits)
        : door(std::move(way_in))
        , house{service, limits}
        , pool_("control", limits.threads, limits.threads)
        , http_(make_connections(house), pool_, door->socket(), params_of(limits)) {
        if (limits.held)
            (void)door->hold(Deadline::in(std::chrono::seconds(0))).ok(); // nobody can be inside
        http_.start();
    }
    ~Impl() {
        door->stop();
        http_.stop();
        pool_.joinAll(); // a pool that ends drops a started thread's work, and the dispatcher leaks
    }

    const std::unique_ptr<Door> door;
    House house;

private:
    Poco::ThreadPool pool_;
    net::TCPServer http_;
};

Server::Server(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

Server::~Server() {
    release();
}

Result<std::unique_ptr<Server>> Server::start(Service& service, UniqueFd listening,
                                              const ServerLimits& limits) {
    const DoorLimits door_limits{static_cast<std::size_t>(limits.connections), limits.receive};
    SEGUE_ASSIGN(auto door, Door::adopt(std::move(listening), door_limits));
    const NameOfChildren name("control");
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
        impl_->house.closing = on;
}

void Server::stand_in(bool on) {
    if (impl_ != nullptr)
        impl_->house.stand_in = on;
}

void Server::release() noexcept {
    if (impl_ == nullptr)
        return;
    if (const auto held = impl_->door->hold(Deadline::in(std::chrono::seconds(5))); !held)
        log::warn(held.error().what());
    impl_.reset();
}

} // namespace segue::control

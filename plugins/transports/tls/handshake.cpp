// SPDX-License-Identifier: Apache-2.0
#include "handshake.hpp"

#include <sys/epoll.h>

#include "plugins/transports/common/endpoint.hpp"

namespace tls {

using namespace segue;

Handshake::Handshake(std::unique_ptr<Connection> connection, Watch watch,
                     std::chrono::microseconds patience)
    : connection_(std::move(connection))
    , watch_(std::move(watch))
    , patience_(patience) {}

Result<std::unique_ptr<Handshake>> Handshake::begin(std::shared_ptr<const Context> context,
                                                    UniqueFd fd, Role role) {
    const auto patience = context->settings().handshake;
    SEGUE_ASSIGN(auto connection, Connection::make(std::move(context), std::move(fd), role));
    SEGUE_ASSIGN(Watch watch, Watch::make());
    SEGUE_TRY(watch.add(connection->fd(), EPOLLIN | EPOLLOUT | EPOLLET));
    std::unique_ptr<Handshake> h(new Handshake(std::move(connection), std::move(watch), patience));
    // Who is called may be busy with something else: the time of the one who listens counts from
    // the connection, that of the one who connects from the first answer.
    if (role == Role::Listens)
        SEGUE_TRY(h->start_clock());
    return h;
}

Status Handshake::start_clock() {
    limit_ = Clock::now() + patience_;
    return watch_.wake_at(limit_);
}

Status Handshake::go_on() {
    watch_.clear();
    Status s = connection_->handshake();
    if (s.code() != Code::Again)
        return s;
    if (limit_ == Clock::time_point::max() && connection_->heard())
        SEGUE_TRY(start_clock());
    if (Clock::now() < limit_)
        return s;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience_).count();
    return Error(Code::Deadline, "TLS with " + tcp::peer_of(connection_->fd()) +
                                     ": the other side has not proved who it is within " +
                                     std::to_string(ms) + " ms")
        .way_out("check that its transport is tls, and that it lives; on a slow network raise "
                 "'handshake'");
}

} // namespace tls

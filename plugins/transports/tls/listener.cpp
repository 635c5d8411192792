// SPDX-License-Identifier: Apache-2.0
#include <sys/epoll.h>

#include "channel.hpp"

namespace tls {

using namespace segue;

namespace {

constexpr std::size_t kGuests = 64; // at a time; others wait in the backlog

} // namespace

TlsListener::TlsListener(tcp::TcpAddress address, std::shared_ptr<const Context> context,
                         const Host& host, UniqueFd fd, Watch watch)
    : address_(std::move(address))
    , context_(std::move(context))
    , host_(host)
    , fd_(std::move(fd))
    , watch_(std::move(watch)) {}

Result<std::unique_ptr<TlsListener>> TlsListener::make(tcp::TcpAddress address,
                                                       std::shared_ptr<const Context> context,
                                                       const Host& host) {
    SEGUE_ASSIGN(UniqueFd fd, address.listen());
    SEGUE_ASSIGN(Watch watch, Watch::make());
    SEGUE_TRY(watch.add(fd.get(), EPOLLIN));
    return std::unique_ptr<TlsListener>(new TlsListener(std::move(address), std::move(context),
                                                        host, std::move(fd), std::move(watch)));
}

Status TlsListener::let_in() {
    while (guests_.size() < kGuests) {
        auto fd = address_.accept(fd_.get());
        if (fd.code() == Code::Again)
            return {};
        if (!fd)
            return std::move(fd).error();
        SEGUE_ASSIGN(auto one, Handshake::begin(context_, std::move(*fd), Role::Listens));
        SEGUE_TRY(watch_.add(one->fd(), EPOLLIN));
        guests_.push_back(std::move(one));
    }
    return attend();
}

// Who cannot be let in would have the host call again and again.
Status TlsListener::attend() {
    const bool room = guests_.size() < kGuests;
    if (room != attends_)
        SEGUE_TRY(watch_.change(fd_.get(), room ? EPOLLIN : 0));
    attends_ = room;
    return {};
}

Status TlsListener::pass_over(const Handshake& one, Error why) {
    host_.log(SEGUE_LOG_WARN, why.what() + (why.way_out().empty() ? "" : ": " + why.way_out()));
    if (failure_)
        return {};
    failure_.emplace(Failure{std::move(why), one.limit()});
    return watch_.wake_at(failure_->limit);
}

Result<std::unique_ptr<Channel>> TlsListener::accept() {
    SEGUE_TRY(let_in());
    for (auto one = guests_.begin(); one != guests_.end();) {
        Status s = (*one)->go_on();
        if (s.code() == Code::Again) {
            ++one;
            continue;
        }
        const std::unique_ptr<Handshake> done = std::move(*one);
        one = guests_.erase(one);
        SEGUE_TRY(attend());
        if (!s) {
            SEGUE_TRY(pass_over(*done, std::move(s).error()));
            continue;
        }
        failure_.reset();
        watch_.sleep();
        return std::unique_ptr<Channel>(std::make_unique<TlsChannel>(done->take()));
    }
    if (failure_ && Handshake::Clock::now() >= failure_->limit) {
        watch_.sleep();
        return std::exchange(failure_, std::nullopt)->why;
    }
    return Error(Code::Again, "nobody has proved yet who it is");
}

} // namespace tls

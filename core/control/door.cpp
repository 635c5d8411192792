// SPDX-License-Identifier: Apache-2.0
#include "core/control/door.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/ServerSocketImpl.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <set>

#include <segue/cpp/sys.hpp>

namespace segue::control {

// What the listener, the visitors and the Door share. Its mutex is a leaf: nothing of Poco that may
// destroy a socket is called under it.
class Door::Room {
public:
    enum class State { Open, Held, Stopped };

    Room(UniqueFd wake, DoorLimits given)
        : limits(given)
        , wake_(std::move(wake)) {}

    const DoorLimits limits;

    bool stopped() {
        const std::lock_guard lock(mutex_);
        return state_ == State::Stopped;
    }
    bool has_space() {
        const std::lock_guard lock(mutex_);
        return state_ == State::Open && visitors_.size() < limits.visitors;
    }
    void become(State state) noexcept {
        const std::lock_guard lock(mutex_);
        if (state_ != State::Stopped)
            state_ = state;
        sys::signal_event(wake_.get());
    }
    int wake() const { return wake_.get(); }

    Visitor* accept(int listener, const std::shared_ptr<Room>& self);
    Status hold(Deadline deadline);
    void leave(Visitor& visitor);
    // The visitor waits for a request; false: it was shown out.
    void waits(Visitor& visitor);
    void asked(Visitor& visitor);

private:
    Deadline cut_idle();

    const UniqueFd wake_;
    std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::Open;
    std::set<Visitor*> visitors_;
};

// One accepted connection. HTTPServerSession calls poll() only to wait for the next request, so a
// visitor inside poll() has nothing in hand.
class Door::Visitor final : public Poco::Net::StreamSocketImpl {
    const std::shared_ptr<Room> room_;

public:
    Visitor(int fd, std::shared_ptr<Room> room)
        : StreamSocketImpl(fd)
        , room_(std::move(room)) {}

    bool poll(const Poco::Timespan& timeout, int mode) override {
        room_->waits(*this);
        const bool ready = StreamSocketImpl::poll(timeout, mode);
        room_->asked(*this);
        whole_by_ = Deadline::in(room_->limits.request);
        return ready;
    }

    // However slowly the bytes come, a request may not occupy its thread for longer.
    using StreamSocketImpl::receiveBytes;
    int receiveBytes(void* buffer, int length, int flags) override {
        const Poco::Timespan left(whole_by_.poll_ms() * Poco::Timespan::MILLISECONDS);
        if (!StreamSocketImpl::poll(left, SELECT_READ))
            throw Poco::TimeoutException("the request did not come whole in time");
        return StreamSocketImpl::receiveBytes(buffer, length, flags);
    }

    // Under the room's mutex.
    bool idle = true;
    bool asked_before = false;
    const Deadline greeted_by = Deadline::in(room_->limits.greeting);

protected:
    ~Visitor() override { room_->leave(*this); }

private:
    Deadline whole_by_ = Deadline::in(room_->limits.request);
};

Door::Visitor* Door::Room::accept(int listener, const std::shared_ptr<Room>& self) {
    const std::lock_guard lock(mutex_);
    if (state_ != State::Open || visitors_.size() >= limits.visitors)
        return nullptr;
    const int fd = sys::retry([&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); });
    if (fd < 0)
        return nullptr;
    auto* visitor = new Visitor(fd, self);
    visitors_.insert(visitor);
    return visitor;
}

Status Door::Room::hold(Deadline deadline) {
    become(State::Held);
    std::unique_lock lock(mutex_);
    for (;;) {
        const Deadline next = cut_idle();
        if (visitors_.empty())
            return {};
        if (deadline.passed())
            break;
        const Deadline until = earlier(deadline, next);
        if (until.is_never())
            changed_.wait(lock);
        else
            changed_.wait_until(lock, until.at());
    }
    return Error(Code::Deadline, "the control socket still has " +
                                     std::to_string(visitors_.size()) +
                                     " requests that were not answered in time")
        .way_out("try again once they are answered");
}

// Whoever has sent nothing gets an end of file, and may ask again elsewhere. Only the way in is
// cut: what was sent a moment before is still read, and answered; what comes later is not taken
// (EPIPE). So nothing is ever done without an answer. Gives the time at which there is one more of
// these.
Deadline Door::Room::cut_idle() {
    Deadline next = Deadline::never();
    for (const Visitor* visitor : visitors_) {
        pollfd p = {visitor->sockfd(), POLLIN, 0};
        if (!visitor->idle || ::poll(&p, 1, 0) != 0)
            continue;
        if (visitor->asked_before || visitor->greeted_by.passed())
            ::shutdown(visitor->sockfd(), SHUT_RD);
        else
            next = earlier(next, visitor->greeted_by);
    }
    return next;
}

void Door::Room::leave(Visitor& visitor) {
    const std::lock_guard lock(mutex_);
    if (visitors_.size() == limits.visitors)
        sys::signal_event(wake_.get());
    visitors_.erase(&visitor);
    changed_.notify_all();
}

void Door::Room::waits(Visitor& visitor) {
    const std::lock_guard lock(mutex_);
    visitor.idle = true;
    changed_.notify_all();
}

void Door::Room::asked(Visitor& visitor) {
    const std::lock_guard lock(mutex_);
    visitor.idle = false;
    visitor.asked_before = true;
}

// Poco's server thread calls poll(), then acceptConnection(). The connection is taken in poll(), so
// that hold() finds either nobody or a visitor, never one between the two.
class Door::Listener final : public Poco::Net::ServerSocketImpl {
public:
    Listener(UniqueFd fd, std::shared_ptr<Room> room)
        : room_(std::move(room)) {
        reset(fd.release());
    }

    bool poll(const Poco::Timespan& timeout, int) override {
        if (room_->stopped())
            return false;
        pollfd p[2] = {{room_->wake(), POLLIN, 0}, {room_->has_space() ? sockfd() : -1, POLLIN, 0}};
        if (::poll(p, 2, static_cast<int>(timeout.totalMilliseconds())) <= 0)
            return false;
        if (p[0].revents != 0)
            sys::clear_event(room_->wake());
        if (p[1].revents == 0)
            return false;
        visitor_ = room_->accept(sockfd(), room_);
        if (visitor_ == nullptr && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
            ::poll(p, 1, 50); // no descriptor free: wait for one without spinning
        return visitor_ != nullptr;
    }

    Poco::Net::SocketImpl* acceptConnection(Poco::Net::SocketAddress&) override {
        return std::exchange(visitor_, nullptr);
    }

protected:
    ~Listener() override {
        if (visitor_ != nullptr)
            visitor_->release();
    }

private:
    const std::shared_ptr<Room> room_;
    Visitor* visitor_ = nullptr; // taken in, not yet Poco's
};

namespace {

// ServerSocket's constructor from an implementation is protected; a copy is an ordinary one.
class Adopted : public Poco::Net::ServerSocket {
public:
    explicit Adopted(Poco::Net::ServerSocketImpl* impl)
        : ServerSocket(impl, true) {}
};

Status check_listening(int fd) {
    int domain = 0, listening = 0;
    socklen_t length = sizeof domain;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || domain != AF_UNIX ||
        ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0)
        return Error(Code::Invalid,
                     "control socket: fd " + std::to_string(fd) + " is no listening unix socket");
    // Two generations may poll it; whoever comes too late must not sleep in accept4(2).
    const int flags = ::fcntl(fd, F_GETFL);
    if ((flags & O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return Error::from_errno(errno, "control socket: O_NONBLOCK");
    return {};
}

} // namespace

Result<std::unique_ptr<Door>> Door::adopt(UniqueFd listening, DoorLimits limits) {
    SEGUE_TRY(check_listening(listening.get()));
    SEGUE_ASSIGN(UniqueFd wake, sys::event());
    auto room = std::make_shared<Room>(std::move(wake), limits);
    return std::unique_ptr<Door>(new Door(std::move(room), std::move(listening)));
}

Door::Door(std::shared_ptr<Room> room, UniqueFd listening)
    : room_(std::move(room))
    , socket_(std::make_unique<Adopted>(new Listener(std::move(listening), room_))) {}

Door::~Door() {
    stop();
}

Poco::Net::ServerSocket Door::socket() const {
    return *socket_;
}

Status Door::hold(Deadline deadline) {
    return room_->hold(deadline);
}

void Door::open() noexcept {
    room_->become(Room::State::Open);
}

void Door::stop() noexcept {
    room_->become(Room::State::Stopped);
}

} // namespace segue::control

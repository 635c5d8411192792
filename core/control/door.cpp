// SPDX-License-Identifier: Apache-2.0
#include "core/control/door.hpp"

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

    explicit Room(UniqueFd wake)
        : wake_(std::move(wake)) {}

    State state() {
        const std::lock_guard lock(mutex_);
        return state_;
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
    void cut_idle();

    const UniqueFd wake_;
    std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::Open;
    std::set<Visitor*> visitors_;
};

// One accepted connection. HTTPServerSession calls poll() only to wait for the next request, so a
// visitor inside poll() has nothing in hand.
class Door::Visitor final : public Poco::Net::StreamSocketImpl {
public:
    Visitor(int fd, std::shared_ptr<Room> room)
        : StreamSocketImpl(fd)
        , room_(std::move(room)) {}

    bool poll(const Poco::Timespan& timeout, int mode) override {
        room_->waits(*this);
        const bool ready = StreamSocketImpl::poll(timeout, mode);
        room_->asked(*this);
        return ready;
    }

    bool idle = true; // under the room's mutex

protected:
    ~Visitor() override { room_->leave(*this); }

private:
    const std::shared_ptr<Room> room_;
};

Door::Visitor* Door::Room::accept(int listener, const std::shared_ptr<Room>& self) {
    const std::lock_guard lock(mutex_);
    if (state_ != State::Open)
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
    const auto nobody = [this] {
        cut_idle();
        return visitors_.empty();
    };
    if (deadline.is_never())
        changed_.wait(lock, nobody);
    else if (!changed_.wait_until(lock, deadline.at(), nobody))
        return Error(Code::Deadline, "the control socket still has " +
                                         std::to_string(visitors_.size()) +
                                         " requests that were not answered in time")
            .way_out("try again once they are answered");
    return {};
}

// Whoever has sent nothing gets an end of file instead of an answer, and may ask again.
void Door::Room::cut_idle() {
    for (const Visitor* visitor : visitors_) {
        pollfd p = {visitor->sockfd(), POLLIN, 0};
        if (visitor->idle && ::poll(&p, 1, 0) == 0)
            ::shutdown(visitor->sockfd(), SHUT_RDWR);
    }
}

void Door::Room::leave(Visitor& visitor) {
    const std::lock_guard lock(mutex_);
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
        const auto state = room_->state();
        if (state == Room::State::Stopped)
            return false;
        pollfd p[2] = {{room_->wake(), POLLIN, 0},
                       {state == Room::State::Open ? sockfd() : -1, POLLIN, 0}};
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

Result<std::unique_ptr<Door>> Door::adopt(UniqueFd listening) {
    SEGUE_TRY(check_listening(listening.get()));
    SEGUE_ASSIGN(UniqueFd wake, sys::event());
    auto room = std::make_shared<Room>(std::move(wake));
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

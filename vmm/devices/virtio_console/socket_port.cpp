// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_console/socket_port.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"

namespace segue::vmm {

namespace {

constexpr const char* kListening = ".socket";

// Only what a VMM that has ended left behind may be replaced.
Status make_way(const std::string& path) {
    struct stat there = {};
    if (::lstat(path.c_str(), &there) != 0)
        return errno == ENOENT ? Status() : Error::from_errno(errno, "look at " + path);
    if (S_ISSOCK(there.st_mode))
        remove_stale(path);
    if (::lstat(path.c_str(), &there) != 0)
        return {};
    return Error(Code::Exists, "listen at " + path + ": something else is there")
        .way_out("remove it, or name another socket");
}

bool has_gone(int client) {
    pollfd p = {client, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

} // namespace

Result<PortSocket> open_port_socket(const std::string& item, const std::string& path,
                                    inventory::Inventory& inventory) {
    SEGUE_TRY(make_way(path));
    SEGUE_ASSIGN(UniqueFd listening, listen_unix(path, 0600));
    SEGUE_TRY(inventory.add({item + kListening, std::move(listening)}));
    SEGUE_TRY(StreamPouch::open(item, inventory));
    return adopt_port_socket(item, inventory);
}

Result<PortSocket> adopt_port_socket(const std::string& item,
                                     const inventory::Inventory& inventory) {
    SEGUE_ASSIGN(const StreamPouch pouch, StreamPouch::adopt(item, inventory));
    const PortSocket s = {inventory.find(item + kListening), pouch};
    if (s.listening >= 0)
        return s;
    return Error(Code::NotFound, "the inventory lacks \"" + item + kListening + '"')
        .with("item", item);
}

SocketPort::SocketPort(PortSocket socket, UniqueFd epoll)
    : HostPort(true)
    , socket_(socket)
    , epoll_(std::move(epoll)) {}

Result<std::unique_ptr<HostPort>> SocketPort::create(PortSocket socket) {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event e = {};
    e.events = EPOLLIN;
    if (!epoll || (socket.listening >= 0 &&
                   ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket.listening, &e) != 0))
        return Error::from_errno(errno, "epoll for a socket");
    return std::unique_ptr<HostPort>(new SocketPort(socket, std::move(epoll)));
}

// Who is there keeps its place, unless it has hung up and the guest does not want what it said.
void SocketPort::accept() {
    for (;;) {
        UniqueFd next(::accept4(socket_.listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!next)
            return;
        if (client_ && has_gone(client_.get()))
            hang_up();
        if (!client_)
            client_ = std::move(next);
    }
}

// A client that is not watched at all is not there to epoll: its end would be told for ever.
void SocketPort::watch_client(unsigned events) {
    if (events == watched_ || !client_)
        return;
    epoll_event e = {};
    e.events = events;
    const int act = events == 0 ? EPOLL_CTL_DEL : watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    (void)::epoll_ctl(epoll_.get(), act, client_.get(), &e);
    watched_ = events;
}

// shutdown(2) besides: an attempt that failed may not have closed its copy yet.
void SocketPort::hang_up() {
    watch_client(0);
    (void)::shutdown(client_.get(), SHUT_RDWR);
    client_.reset();
}

void SocketPort::watch(bool input, bool room) {
    accept();
    watch_client((input ? EPOLLIN : 0u) | (room ? EPOLLOUT : 0u));
}

std::size_t SocketPort::read(std::span<std::byte> to) {
    if (!client_)
        accept(); // else in watch(): what the last one said comes first
    if (!client_)
        return 0;
    const auto n =
        sys::retry([&] { return ::recv(client_.get(), to.data(), to.size(), MSG_DONTWAIT); });
    if (n > 0)
        return static_cast<std::size_t>(n);
    if (n == 0 || errno != EAGAIN)
        hang_up();
    return 0;
}

std::size_t SocketPort::write(std::span<const std::byte> from) {
    if (!client_)
        accept();
    if (!client_)
        return from.size();
    const auto n = sys::retry([&] {
        return ::send(client_.get(), from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    });
    if (n >= 0)
        return static_cast<std::size_t>(n);
    return errno == EAGAIN ? 0 : from.size(); // it has gone: read() comes to that, in its turn
}

Status SocketPort::park() {
    if (!socket_.pouch.exists())
        return {};
    if (client_)
        return socket_.pouch.put({{0, client_.get()}});
    socket_.pouch.clear();
    return {};
}

void SocketPort::unpark() noexcept {
    socket_.pouch.clear();
}

Status SocketPort::arrive() {
    if (!socket_.pouch.exists())
        return {};
    SEGUE_ASSIGN(auto inside, socket_.pouch.look());
    watch_client(0);
    client_ = inside.empty() ? UniqueFd() : std::move(inside.begin()->second);
    return {};
}

} // namespace segue::vmm

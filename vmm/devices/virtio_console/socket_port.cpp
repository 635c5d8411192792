// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_console/socket_port.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segue/cpp/fd_passing.hpp>
#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"

namespace segue::vmm {

namespace {

constexpr const char *kListening = ".socket", *kMailIn = ".mail-in", *kMailOut = ".mail-out";

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
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return Error::from_errno(errno, "socketpair");
    SEGUE_TRY(inventory.add({item + kListening, std::move(listening)}));
    SEGUE_TRY(inventory.add({item + kMailIn, UniqueFd(pair[0])}));
    SEGUE_TRY(inventory.add({item + kMailOut, UniqueFd(pair[1])}));
    return adopt_port_socket(item, inventory);
}

Result<PortSocket> adopt_port_socket(const std::string& item,
                                     const inventory::Inventory& inventory) {
    const PortSocket s = {inventory.find(item + kListening), inventory.find(item + kMailIn),
                          inventory.find(item + kMailOut)};
    if (s.listening >= 0 && s.mail_in >= 0 && s.mail_out >= 0)
        return s;
    return Error(Code::NotFound, "the inventory lacks a part of \"" + item + '"')
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

// shutdown(2) besides: the other generation, or the mailbox, may hold the connection as well.
void SocketPort::hang_up() {
    watch_client(0);
    (void)::shutdown(client_.get(), SHUT_RDWR);
    client_.reset();
    (void)take_mail();
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

// Nothing: no mail. An empty descriptor: that there is no client.
std::optional<UniqueFd> SocketPort::take_mail() {
    std::optional<UniqueFd> last;
    for (;;) {
        char word = 0;
        const segue_iov to = {&word, 1};
        std::vector<UniqueFd> fds;
        if (socket_.mail_out < 0 || !sys::recv_fds(socket_.mail_out, {&to, 1}, fds))
            return last;
        last = fds.empty() ? UniqueFd() : std::move(fds.front());
    }
}

// It has room: it was emptied first.
void SocketPort::leave() {
    (void)take_mail();
    if (socket_.mail_in < 0)
        return;
    char word = 0;
    const segue_iov from = {&word, 1};
    const int fd = client_.get();
    (void)sys::send_fds(socket_.mail_in, {&from, 1}, {&fd, client_ ? 1u : 0u}).ok();
}

// The last word counts: a state may be loaded twice, and what was left for the first time is gone.
void SocketPort::arrive() {
    auto mail = take_mail();
    if (!mail)
        return;
    watch_client(0);
    client_ = std::move(*mail);
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/stream_pouch.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::size_t kMost = 253; // SCM_MAX_FD of Linux, descriptors of one message

std::string in_of(const std::string& item) {
    return item + ".in";
}

std::string out_of(const std::string& item) {
    return item + ".out";
}

// One message: who the descriptors are, and they.
struct Message {
    std::array<std::uint64_t, kMost> ids = {};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMost * sizeof(int))> control = {};
    iovec all = {ids.data(), sizeof ids};
    msghdr head = {};

    Message() {
        head.msg_iov = &all;
        head.msg_iovlen = 1;
        head.msg_control = control.data();
        head.msg_controllen = control.size();
    }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
};

Status send(int to, std::span<const std::pair<std::uint64_t, int>> streams) {
    Message m;
    m.all.iov_len = streams.size() * sizeof m.ids[0];
    m.head.msg_controllen = CMSG_SPACE(streams.size() * sizeof(int));
    cmsghdr* const c = CMSG_FIRSTHDR(&m.head);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(streams.size() * sizeof(int));
    for (std::size_t i = 0; i < streams.size(); ++i) {
        m.ids[i] = streams[i].first;
        std::memcpy(CMSG_DATA(c) + i * sizeof(int), &streams[i].second, sizeof(int));
    }
    if (sys::retry([&] { return ::sendmsg(to, &m.head, MSG_NOSIGNAL | MSG_DONTWAIT); }) >= 0)
        return {};
    return Error::from_errno(errno, "put the open streams aside")
        .way_out("where too many descriptors are on their way, raise the limit of open files "
                 "(ulimit -n)");
}

// The next message, left there or not; false: there is none.
Result<bool> receive(int from, int flags, std::map<std::uint64_t, UniqueFd>& to) {
    Message m;
    const auto n = sys::retry(
        [&] { return ::recvmsg(from, &m.head, flags | MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0)
        return Error::from_errno(errno, "look for the open streams");
    const cmsghdr* const c = CMSG_FIRSTHDR(&m.head);
    const std::size_t fds = c != nullptr ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    for (std::size_t i = 0; i < fds; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
        to[m.ids[i]] = UniqueFd(fd);
    }
    if ((m.head.msg_flags & MSG_CTRUNC) != 0 ||
        fds * sizeof m.ids[0] != static_cast<std::size_t>(n))
        return Error(Code::Io, "some of the open streams do not come out")
            .way_out("raise the limit of open files (ulimit -n)");
    return n > 0;
}

} // namespace

Status StreamPouch::open(const std::string& item, inventory::Inventory& inventory) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return Error::from_errno(errno, "socketpair");
    UniqueFd in(pair[0]), out(pair[1]);
    SEGUE_TRY(inventory.add({in_of(item), std::move(in)}));
    return inventory.add({out_of(item), std::move(out)});
}

Result<StreamPouch> StreamPouch::adopt(const std::string& item,
                                       const inventory::Inventory& inventory) {
    StreamPouch pouch;
    pouch.in_ = inventory.find(in_of(item));
    pouch.out_ = inventory.find(out_of(item));
    if (pouch.in_ < 0 || pouch.out_ < 0)
        return Error(Code::NotFound, "the inventory has no \"" + item + '"').with("item", item);
    return pouch;
}

Status StreamPouch::put(const std::vector<std::pair<std::uint64_t, int>>& streams) {
    clear();
    for (auto left = std::span(streams); !left.empty();
         left = left.subspan(std::min(left.size(), kMost)))
        if (Status s = send(in_, left.first(std::min(left.size(), kMost))); !s) {
            clear();
            return s;
        }
    return {};
}

Result<std::map<std::uint64_t, UniqueFd>> StreamPouch::look() const {
    const int first = 0; // socket(7), SO_PEEK_OFF: where MSG_PEEK goes on from
    if (::setsockopt(out_, SOL_SOCKET, SO_PEEK_OFF, &first, sizeof first) != 0)
        return Error::from_errno(errno, "SO_PEEK_OFF");
    std::map<std::uint64_t, UniqueFd> streams;
    for (bool more = true; more;) {
        SEGUE_ASSIGN(more, receive(out_, MSG_PEEK, streams));
    }
    return streams;
}

void StreamPouch::clear() noexcept {
    Message m;
    m.head.msg_control = nullptr; // the kernel closes what comes
    m.head.msg_controllen = 0;
    while (out_ >= 0 && ::recvmsg(out_, &m.head, MSG_DONTWAIT) > 0) {
        m.head.msg_control = nullptr;
        m.head.msg_controllen = 0;
    }
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// test_net.hpp - a network of this thread's own, with taps and a host that speaks on them. As root.
#pragma once

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sched.h>

#include <arpa/inet.h>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

inline constexpr std::uint16_t kTestProtocol = 0x88b5; // IEEE 802: for local experiments

// Threads that this one starts are in it, too.
class TestNet {
public:
    TestNet()
        : before_(sys::open("/proc/thread-self/ns/net", O_RDONLY).value()) {
        EXPECT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
        control_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        // Else the kernel sends frames of its own.
        std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << 1;
    }
    ~TestNet() { EXPECT_EQ(::setns(before_.get(), CLONE_NEWNET), 0); }
    TestNet(const TestNet&) = delete;
    TestNet& operator=(const TestNet&) = delete;

    // As `ip tuntap add` makes it, and up.
    void add_tap(const std::string& name, int flags = IFF_VNET_HDR, int owner = -1) {
        const UniqueFd fd = open_tap_queue(name, flags);
        EXPECT_EQ(::ioctl(fd.get(), TUNSETPERSIST, 1), 0);
        if (owner >= 0) {
            EXPECT_EQ(::ioctl(fd.get(), TUNSETOWNER, owner), 0);
        }
        set_up(name, true);
    }
    static UniqueFd open_tap_queue(const std::string& name, int flags = IFF_VNET_HDR) {
        UniqueFd fd = sys::open("/dev/net/tun", O_RDWR).value();
        ifreq request = of(name);
        request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | flags);
        EXPECT_EQ(::ioctl(fd.get(), TUNSETIFF, &request), 0) << std::strerror(errno);
        return fd;
    }
    // Whoever has it open or not.
    void remove_link(const std::string& name) {
        struct {
            nlmsghdr header;
            ifinfomsg link;
        } request = {};
        request.header.nlmsg_len = sizeof request;
        request.header.nlmsg_type = RTM_DELLINK;
        request.header.nlmsg_flags = NLM_F_REQUEST;
        request.link.ifi_index = static_cast<int>(::if_nametoindex(name.c_str()));
        const UniqueFd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
        EXPECT_EQ(::send(netlink.get(), &request, sizeof request, 0),
                  static_cast<ssize_t>(sizeof request));
        EXPECT_EQ(::if_nametoindex(name.c_str()), 0u);
    }
    void set_up(const std::string& name, bool up) {
        ifreq request = of(name);
        request.ifr_flags = up ? IFF_UP : 0;
        EXPECT_EQ(::ioctl(control_.get(), SIOCSIFFLAGS, &request), 0) << std::strerror(errno);
    }
    // A tap that somebody has opened takes frames once the kernel's link watcher has seen it.
    void await_link(const std::string& name) {
        ifreq request = of(name);
        for (int n = 0; n < 30000 && (request.ifr_flags & IFF_RUNNING) == 0; ++n) {
            EXPECT_EQ(::ioctl(control_.get(), SIOCGIFFLAGS, &request), 0);
            ::usleep(1000);
        }
        set_up(name, true); // behind the watcher's lock
    }
    // Whether the kernel leaves this to the guest: ETHTOOL_GTSO and the like.
    bool leaves(const std::string& name, std::uint32_t what) {
        ethtool_value value = {what, 0};
        ifreq request = of(name);
        request.ifr_data = reinterpret_cast<char*>(&value);
        EXPECT_EQ(::ioctl(control_.get(), SIOCETHTOOL, &request), 0) << std::strerror(errno);
        return value.data != 0;
    }

private:
    static ifreq of(const std::string& name) {
        ifreq request = {};
        std::memcpy(request.ifr_name, name.c_str(), name.size());
        return request;
    }
    UniqueFd before_, control_;
};

// Who sends and hears frames of one protocol on an interface.
class TestHost {
public:
    explicit TestHost(const std::string& name, std::uint16_t protocol = kTestProtocol)
        : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(protocol))) {
        sockaddr_ll at = {};
        at.sll_family = AF_PACKET;
        at.sll_protocol = htons(protocol);
        at.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
        const int room = 4 << 20;
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    }
    void send(const std::string& frame) {
        EXPECT_EQ(::send(socket_.get(), frame.data(), frame.size(), 0),
                  static_cast<ssize_t>(frame.size()))
            << std::strerror(errno);
    }
    // The next, within 30 s; nothing where `wait` says not to.
    std::optional<std::string> hear(bool wait = true) {
        std::string frame(1 << 17, 0);
        pollfd p = {socket_.get(), POLLIN, 0};
        (void)::poll(&p, 1, wait ? 30000 : 0);
        const auto n = ::recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
        if (n < 0)
            return std::nullopt;
        frame.resize(static_cast<std::size_t>(n));
        return frame;
    }

private:
    UniqueFd socket_;
};

// To everybody, with `text` in it.
inline std::string frame_of(const std::string& text) {
    std::string frame(6, '\xff');
    frame += std::string("\x02\0\0\0\0\x01\x88\xb5", 8);
    frame += text;
    frame.resize(std::max<std::size_t>(frame.size(), 60)); // as on the wire
    return frame;
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/cable.hpp"

#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include <segue/cpp/sys.hpp>

#include "tests/fault/other_boot.hpp"

namespace segue::fault {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kInterface = "cable0";
constexpr std::size_t kPacket = 2048; // more than the interface's 1500

struct Packet {
    Clock::time_point due;
    std::size_t to;
    std::vector<char> bytes;
};

ifreq of(const std::string& interface) {
    ifreq r = {};
    interface.copy(r.ifr_name, sizeof r.ifr_name - 1);
    return r;
}

UniqueFd network() {
    return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

Status set_address(const std::string& interface, const std::string& address) {
    const UniqueFd s = network();
    ifreq r = of(interface);
    auto& in = reinterpret_cast<sockaddr_in&>(r.ifr_addr);
    in.sin_family = AF_INET;
    for (const auto& [request, text] :
         {std::pair{SIOCSIFADDR, address.c_str()}, std::pair{SIOCSIFNETMASK, "255.255.255.0"}}) {
        ::inet_pton(AF_INET, text, &in.sin_addr);
        if (::ioctl(s.get(), static_cast<unsigned long>(request), &r) != 0)
            return Error::from_errno(errno, "set the address of " + interface);
    }
    return {};
}

Status switch_on(const std::string& interface) {
    ifreq r = of(interface);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    if (::ioctl(network().get(), SIOCSIFFLAGS, &r) != 0)
        return Error::from_errno(errno, "switch " + interface + " on");
    return {};
}

// `flags`: IFF_TUN or IFF_TAP, and more.
Result<UniqueFd> make_tun(const std::string& interface, int flags) {
    SEGUE_ASSIGN(UniqueFd tun, sys::open("/dev/net/tun", O_RDWR | O_NONBLOCK));
    ifreq r = of(interface);
    r.ifr_flags = static_cast<short>(flags | IFF_NO_PI);
    if (::ioctl(tun.get(), TUNSETIFF, &r) != 0)
        return Error::from_errno(errno, "make " + interface);
    return tun;
}

} // namespace

// On a thread that ends afterwards: a namespace is a thread's.
Status Cable::make_end(Host host, End& end) const {
    Status made;
    std::thread([&] {
        made = [&]() -> Status {
            if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
                return Error::from_errno(errno, "make namespaces");
            if (host == Host::B)
                SEGUE_TRY(enter_another_boot(dir_.path()));
            SEGUE_ASSIGN(end.net, sys::open("/proc/thread-self/ns/net", O_RDONLY));
            SEGUE_ASSIGN(end.mounts, sys::open("/proc/thread-self/ns/mnt", O_RDONLY));
            SEGUE_ASSIGN(end.tun, make_tun(kInterface, IFF_TUN));
            SEGUE_TRY(set_address(kInterface, address(host)));
            return switch_on(kInterface);
        }();
    }).join();
    return made;
}

Result<std::unique_ptr<Cable>> Cable::lay() {
    std::unique_ptr<Cable> cable(new Cable);
    SEGUE_TRY(cable->make_end(Host::A, cable->ends_[0]));
    SEGUE_TRY(cable->make_end(Host::B, cable->ends_[1]));
    SEGUE_ASSIGN(cable->stop_, sys::event());
    cable->thread_ = std::thread([c = cable.get()] { c->carry(); });
    return cable;
}

Cable::~Cable() {
    if (!thread_.joinable())
        return;
    sys::signal_event(stop_.get());
    thread_.join();
}

void Cable::on(Host host, const std::function<void()>& f) const {
    std::thread([&] {
        const End& end = ends_.at(index(host));
        // Mounts are a process's, but for a thread that wants its own.
        if (::unshare(CLONE_FS) == 0 && ::setns(end.mounts.get(), CLONE_NEWNS) == 0 &&
            ::setns(end.net.get(), CLONE_NEWNET) == 0)
            f();
    }).join();
}

Status Cable::add_tap(Host host, const std::string& name) const {
    Status made;
    on(host, [&] {
        made = [&]() -> Status {
            SEGUE_ASSIGN(const UniqueFd tap, make_tun(name, IFF_TAP | IFF_VNET_HDR));
            if (::ioctl(tap.get(), TUNSETPERSIST, 1) != 0)
                return Error::from_errno(errno, "keep " + name);
            return switch_on(name);
        }();
    });
    return made;
}

void Cable::carry() {
    std::minstd_rand random(4711);
    std::deque<Packet> on_the_way;
    std::array<pollfd, 3> p = {{{ends_[0].tun.get(), POLLIN, 0},
                                {ends_[1].tun.get(), POLLIN, 0},
                                {stop_.get(), POLLIN, 0}}};
    while (::poll(p.data(), p.size(), on_the_way.empty() ? -1 : 1) >= 0 && p[2].revents == 0) {
        for (std::size_t from = 0; from < 2; ++from) {
            std::vector<char> bytes(kPacket);
            const ssize_t n = ::read(p[from].fd, bytes.data(), bytes.size());
            if (n <= 0)
                continue;
            if (cut_[from] || random() % 100 < loss_) {
                ++lost_;
                continue;
            }
            bytes.resize(static_cast<std::size_t>(n));
            on_the_way.push_back(
                {Clock::now() + std::chrono::milliseconds(delay_ms_), 1 - from, std::move(bytes)});
        }
        for (; !on_the_way.empty() && on_the_way.front().due <= Clock::now();
             on_the_way.pop_front()) {
            const Packet& packet = on_the_way.front();
            (void)!::write(p[packet.to].fd, packet.bytes.data(), packet.bytes.size());
        }
    }
}

} // namespace segue::fault

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/tap.hpp"

#include <net/if.h>

#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "vmm/devices/virtio_net/uapi.hpp"

namespace segue::vmm {

namespace {

constexpr unsigned kEveryOffload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_UFO;

std::string item_of(const TapConfig& config, unsigned queue) {
    return "tap." + config.id + "." + std::to_string(queue);
}

Error wrong(const TapConfig& config, Code code, const std::string& what, std::string way_out) {
    return Error(code, "device '" + config.id + "': " + what)
        .way_out(std::move(way_out))
        .with("device", config.id);
}

std::string making(const TapConfig& config) {
    const std::string name = config.name.empty() ? "NAME" : config.name;
    return "make it: ip tuntap add dev " + name + " mode tap vnet_hdr" +
           (config.queues > 1 ? " multi_queue" : "") + " && ip link set " + name + " up";
}

// What TUNSETIFF says (Linux, drivers/net/tun.c, tun_set_iff and tun_attach).
Error not_attached(const TapConfig& config, int why) {
    const std::string tap = "tap '" + config.name + "'";
    switch (why) {
    case EBUSY:
        return wrong(config, Code::Refused, tap + ": another process has it",
                     "end the other user of the tap, or give this guest another one");
    case EPERM:
        return wrong(config, Code::Refused, tap + ": it belongs to somebody else",
                     "make it for this user (ip tuntap add ... user USER), or run the VMM with "
                     "CAP_NET_ADMIN");
    case EINVAL:
        return wrong(config, Code::Refused,
                     "'" + config.name + "' is " +
                         (config.queues > 1 ? "not a tap with several queues" : "not a tap"),
                     "name another interface, or " + making(config));
    default:
        return Error::from_errno(why, tap).with("device", config.id);
    }
}

Result<UniqueFd> open_tun(const TapConfig& config) {
    auto fd = sys::open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (fd)
        return fd;
    const bool absent = fd.error().sys_errno() == ENOENT || fd.error().sys_errno() == ENODEV;
    return std::move(fd)
        .error()
        .while_doing("device '" + config.id + "'")
        .way_out(absent ? "load the host's driver (modprobe tun), or hand the tap in with fd="
                        : "let this user open it, or hand the tap in with fd=")
        .with("device", config.id);
}

// A tap's link is up as long as somebody has one of its queues; one with several lets anybody have
// the next.
bool is_in_use(const std::string& name) {
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_value link = {ETHTOOL_GLINK, 0};
    ifreq request = {};
    std::memcpy(request.ifr_name, name.c_str(), name.size());
    request.ifr_data = reinterpret_cast<char*>(&link);
    return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0 && link.data != 0;
}

// -errno where it cannot be had so.
int attach(int fd, const std::string& name, int flags) {
    ifreq request = {};
    std::memcpy(request.ifr_name, name.c_str(), name.size());
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags);
    return sys::ioctl_once(fd, TUNSETIFF, &request);
}

Result<UniqueFd> open_queue(const TapConfig& config) {
    SEGUE_ASSIGN(UniqueFd fd, open_tun(config));
    // One that could have several queues may have one all the same.
    int got = config.queues > 1 ? -EINVAL : attach(fd.get(), config.name, 0);
    if (got == -EINVAL)
        got = attach(fd.get(), config.name, IFF_MULTI_QUEUE);
    if (got < 0)
        return not_attached(config, -got);
    return fd;
}

// It is opened, never made: a new one would have no bridge and no address, and be gone with us.
Result<std::vector<UniqueFd>> open_by_name(const TapConfig& config) {
    if (config.name.size() >= IFNAMSIZ)
        return wrong(config, Code::Invalid, "no interface has a name like '" + config.name + "'",
                     "name a tap interface, in 15 letters at most");
    if (::if_nametoindex(config.name.c_str()) == 0)
        return wrong(config, Code::NotFound, "there is no interface '" + config.name + "'",
                     making(config));
    const bool shared = is_in_use(config.name);
    std::vector<UniqueFd> fds;
    for (unsigned i = 0; i < config.queues; ++i) {
        SEGUE_ASSIGN(UniqueFd fd, open_queue(config));
        fds.push_back(std::move(fd));
    }
    if (shared) // though the kernel would have it
        return not_attached(config, EBUSY);
    return fds;
}

Error not_numbers(const TapConfig& config) {
    return wrong(config, Code::Invalid, "fd = \"" + config.fds + "\"",
                 "write one number of 3 or more for each of the " + std::to_string(config.queues) +
                     " pairs of queues: \"5,6\"");
}

Result<std::vector<int>> numbers_of(const TapConfig& config) {
    std::vector<int> numbers;
    const char *at = config.fds.data(), *const end = at + config.fds.size();
    for (;;) {
        int number = -1;
        const auto [behind, error] = std::from_chars(at, end, number);
        if (error != std::errc{} || number < 3 || numbers.size() == config.queues)
            return not_numbers(config);
        numbers.push_back(number);
        if (behind == end && numbers.size() == config.queues)
            return numbers;
        if (behind == end || *behind != ',')
            return not_numbers(config);
        at = behind + 1;
    }
}

// Whether descriptor `fd` is what this device can use.
Status check_queue(const TapConfig& config, int fd) {
    const std::string which = "descriptor " + std::to_string(fd);
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) // which one of our own has
        return wrong(config, Code::NotFound, which + " is not handed in",
                     "start the VMM with it: `segue run --foreground`, or segue-vmm itself, passes "
                     "on what it inherits");
    ifreq is = {};
    if (::ioctl(fd, TUNGETIFF, &is) != 0 || (is.ifr_flags & IFF_TAP) == 0)
        return wrong(config, Code::Refused, which + " is not a tap's",
                     "hand in descriptors of a tap: /dev/net/tun after TUNSETIFF, or /dev/tapN");
    const int needed = IFF_NO_PI | IFF_VNET_HDR | (config.queues > 1 ? IFF_MULTI_QUEUE : 0);
    if ((is.ifr_flags & needed) != needed)
        return wrong(config, Code::Refused,
                     which + ": tap '" + is.ifr_name + "' was opened with other flags",
                     std::string("open it with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR") +
                         (config.queues > 1 ? " | IFF_MULTI_QUEUE" : ""));
    if (!config.name.empty() && config.name != is.ifr_name)
        return wrong(config, Code::Refused,
                     which + " is of tap '" + is.ifr_name + "', not of '" + config.name + "'",
                     "correct tap= or what is handed in");
    return {};
}

Result<std::vector<UniqueFd>> take_by_number(const TapConfig& config) {
    SEGUE_ASSIGN(const std::vector<int> numbers, numbers_of(config));
    for (const int fd : numbers)
        SEGUE_TRY(check_queue(config, fd));
    std::vector<UniqueFd> fds;
    for (const int fd : numbers) {
        const int flags = ::fcntl(fd, F_GETFL);
        if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
            ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return Error::from_errno(errno, "descriptor " + std::to_string(fd));
        fds.emplace_back(fd);
    }
    return fds;
}

// What the kernel keeps of the interface, for the next generations, too: a header as virtio 1 has
// it, as many frames on their way as it likes, and nothing left to the guest yet.
Status set_up(const TapConfig& config, int fd) {
    int header = sizeof(virtio_net_hdr_v1), any = INT_MAX;
    if (auto r = sys::ioctl(fd, TUNSETVNETHDRSZ, &header, "TUNSETVNETHDRSZ"); !r)
        return std::move(r).error();
    if (auto r = sys::ioctl(fd, TUNSETSNDBUF, &any, "TUNSETSNDBUF"); !r)
        return std::move(r).error();
    if (config.offloads && ::ioctl(fd, TUNSETOFFLOAD, kEveryOffload) != 0)
        return wrong(config, Code::Unsupported, "the tap cannot leave segmentation to the guest",
                     "say offloads = false");
    if (auto r = sys::ioctl(fd, TUNSETOFFLOAD, 0, "TUNSETOFFLOAD"); !r)
        return std::move(r).error();
    return {};
}

} // namespace

Status open_tap(const TapConfig& config, inventory::Inventory& inventory) {
    if (config.name.empty() && config.fds.empty())
        return wrong(config, Code::Invalid, "it has no other end",
                     "name a tap interface by tap=, or hand one in by fd=");
    SEGUE_ASSIGN(std::vector<UniqueFd> fds,
                 config.fds.empty() ? open_by_name(config) : take_by_number(config));
    if (Status s = set_up(config, fds[0].get()); !s)
        return std::move(s).error().while_doing("device '" + config.id + "'");
    for (unsigned i = 0; i < config.queues; ++i)
        SEGUE_TRY(inventory.add(inventory::Item{item_of(config, i), std::move(fds[i])}));
    return {};
}

Result<Tap> adopt_tap(const TapConfig& config, const inventory::Inventory& inventory) {
    Tap tap;
    for (unsigned i = 0; i < config.queues; ++i) {
        const std::string item = item_of(config, i);
        const int fd = inventory.find(item);
        if (fd < 0)
            return Error(Code::NotFound,
                         "device '" + config.id + "': the inventory has no \"" + item + '"')
                .with("item", item);
        tap.fds.push_back(fd);
    }
    return tap;
}

Status set_offloads(const Tap& tap, unsigned flags) {
    const auto told = sys::ioctl(tap.fds[0], TUNSETOFFLOAD, flags, "TUNSETOFFLOAD");
    return told ? Status() : told.error();
}

// One queue alone needs no telling, and not every tap has several.
void use_queues(const Tap& tap, unsigned pairs) {
    for (unsigned i = 0; tap.fds.size() > 1 && i < tap.fds.size(); ++i) {
        ifreq request = {};
        request.ifr_flags = i < pairs ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
        (void)::ioctl(tap.fds[i], TUNSETQUEUE, &request); // fails where it is so
    }
}

} // namespace segue::vmm

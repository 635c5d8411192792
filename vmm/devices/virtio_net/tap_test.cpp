// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/tap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/capability.h>
#include <sys/mount.h>

#include <climits>
#include <thread>

#include "vmm/devices/virtio_net/mac.hpp"
#include "vmm/devices/virtio_net/test_net.hpp"

namespace segue::vmm {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TapTest : public testing::Test {
protected:
    TapTest() { net.add_tap("tap0"); }
    std::string refusal(const TapConfig& config) {
        inventory::Inventory none;
        const Status s = open_tap(config, none);
        EXPECT_TRUE(none.items().empty());
        return s ? "opened" : s.error().what() + " -> " + s.error().way_out();
    }
    static TapConfig named(const std::string& name, unsigned queues = 1) {
        return {"net0", name, "", queues, true};
    }
    static TapConfig handed_in(const std::string& fds, unsigned queues = 1) {
        return {"net0", "", fds, queues, true};
    }
    // As an inherited one.
    static std::string number(const UniqueFd& fd) {
        EXPECT_EQ(::fcntl(fd.get(), F_SETFD, 0), 0);
        return std::to_string(fd.get());
    }

    TestNet net;
    inventory::Inventory inventory;
};

TEST_F(TapTest, IsOpenedOnceAndAdopted) {
    ASSERT_TRUE(open_tap(named("tap0"), inventory).ok());
    const Tap tap = adopt_tap(named("tap0"), inventory).value();
    ASSERT_EQ(tap.fds.size(), 1u);
    EXPECT_EQ(tap.fds[0], inventory.find("tap.net0.0"));
    int value = 0;
    EXPECT_EQ(::ioctl(tap.fds[0], TUNGETVNETHDRSZ, &value), 0);
    EXPECT_EQ(value, 12);
    EXPECT_EQ(::ioctl(tap.fds[0], TUNGETSNDBUF, &value), 0);
    EXPECT_EQ(value, INT_MAX);
    EXPECT_NE(::fcntl(tap.fds[0], F_GETFL) & O_NONBLOCK, 0);
    EXPECT_FALSE(net.leaves("tap0", ETHTOOL_GTSO));
    EXPECT_EQ(adopt_tap(named("tap0", 2), inventory).code(), Code::NotFound);
}

TEST_F(TapTest, WhatIsNoTapOfOursIsNamed) {
    EXPECT_THAT(refusal(named("tap1")),
                AllOf(HasSubstr("no interface 'tap1'"), HasSubstr("ip tuntap add dev tap1")));
    EXPECT_THAT(refusal(named("lo")), HasSubstr("'lo' is not a tap"));
    EXPECT_THAT(refusal(named("a-name-that-is-too-long")), HasSubstr("15 letters"));
    EXPECT_THAT(refusal(named("")), HasSubstr("by fd="));
    const UniqueFd user = TestNet::open_tap_queue("tap0");
    EXPECT_THAT(refusal(named("tap0")), HasSubstr("another process has it"));
}

TEST_F(TapTest, SeveralQueuesNeedATapThatHasThem) {
    EXPECT_THAT(refusal(named("tap0", 2)),
                AllOf(HasSubstr("several queues"), HasSubstr("multi_queue")));
    net.add_tap("many", IFF_VNET_HDR | IFF_MULTI_QUEUE);
    ASSERT_TRUE(open_tap(named("many", 3), inventory).ok());
    EXPECT_EQ(adopt_tap(named("many", 3), inventory).value().fds.size(), 3u);
    inventory::Inventory alone;
    net.add_tap("more", IFF_VNET_HDR | IFF_MULTI_QUEUE);
    EXPECT_TRUE(open_tap(named("more"), alone).ok());
    for (const unsigned queues : {1, 2}) // the kernel would give them
        EXPECT_THAT(refusal(named("many", queues)), HasSubstr("another process has it"));
}

// In threads, whose privileges and mounts are their own.
TEST_F(TapTest, WhatTheHostDoesNotAllowIsNamed) {
    net.add_tap("theirs", IFF_VNET_HDR, 12345);
    std::thread([&] {
        __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct none[2] = {};
        EXPECT_EQ(::syscall(SYS_capset, &header, none), 0);
        EXPECT_THAT(refusal(named("theirs")), HasSubstr("belongs to somebody else"));
    }).join();
    std::thread([&] {
        EXPECT_EQ(::unshare(CLONE_NEWNS), 0);
        EXPECT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        EXPECT_EQ(::mount("none", "/dev/net", "tmpfs", 0, nullptr), 0);
        EXPECT_THAT(refusal(named("tap0")),
                    AllOf(HasSubstr("/dev/net/tun"), HasSubstr("modprobe tun")));
    }).join();
}

TEST_F(TapTest, DescriptorsMayBeHandedIn) {
    net.add_tap("many", IFF_VNET_HDR | IFF_MULTI_QUEUE);
    UniqueFd first = TestNet::open_tap_queue("many", IFF_VNET_HDR | IFF_MULTI_QUEUE);
    UniqueFd second = TestNet::open_tap_queue("many", IFF_VNET_HDR | IFF_MULTI_QUEUE);
    TapConfig config = handed_in(number(first) + "," + number(second), 2);
    config.name = "tap0";
    EXPECT_THAT(refusal(config), HasSubstr("is of tap 'many', not of 'tap0'"));
    config.name = "many";
    const std::vector<int> numbers = {first.release(), second.release()};
    ASSERT_TRUE(open_tap(config, inventory).ok());
    EXPECT_EQ(adopt_tap(config, inventory).value().fds, numbers);
    EXPECT_NE(::fcntl(numbers[1], F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(numbers[1], F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(TapTest, ADescriptorThatIsNoneOfATapIsNamed) {
    const UniqueFd file = sys::memfd("no tap", 0).value();
    EXPECT_THAT(refusal(handed_in(number(file))), HasSubstr("is not a tap's"));
    const UniqueFd unattached = sys::open("/dev/net/tun", O_RDWR).value();
    EXPECT_THAT(refusal(handed_in(number(unattached))), HasSubstr("is not a tap's"));
    const UniqueFd bare = TestNet::open_tap_queue("tap0", 0);
    EXPECT_THAT(refusal(handed_in(number(bare))),
                AllOf(HasSubstr("other flags"), HasSubstr("IFF_VNET_HDR")));
    EXPECT_THAT(refusal(handed_in("1000")), HasSubstr("is not handed in"));
    const UniqueFd ours = TestNet::open_tap_queue("tap1");
    EXPECT_THAT(refusal(handed_in(std::to_string(ours.get()))), HasSubstr("is not handed in"));
    for (const char* text : {"x", "2", "-1", "7,8", "7,", ",7", "7 ", "99999999999"})
        EXPECT_THAT(refusal(handed_in(text)), HasSubstr("one number of 3 or more")) << text;
    EXPECT_THAT(refusal(handed_in("7", 2)), HasSubstr("each of the 2"));
}

TEST(MacTest, AddressesAreReadAndMade) {
    EXPECT_EQ(to_string(parse_mac("52:54:00:aB:cd:01").value()), "52:54:00:ab:cd:01");
    for (const char* text : {"", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:567",
                             "53:54:00:12:34:56", "00:00:00:00:00:00", "52:54:00:12:34:5g"})
        EXPECT_EQ(parse_mac(text).code(), Code::Invalid) << text;
    const Mac made = mac_of("web1", "net0");
    EXPECT_EQ(made, mac_of("web1", "net0"));
    EXPECT_NE(made, mac_of("web1", "net1"));
    EXPECT_NE(made, mac_of("web2", "net0"));
    EXPECT_NE(mac_of("ab", "c"), mac_of("a", "bc"));
    EXPECT_EQ(made[0] & 3, 2);
}

} // namespace
} // namespace segue::vmm

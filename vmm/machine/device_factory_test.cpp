// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/device_factory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/devices/virtio_net/mac.hpp"
#include "vmm/devices/virtio_net/test_net.hpp"
#include "vmm/devices/virtio_net/vhost_net.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;
using Values = std::map<std::string, std::string>;

class NetCardTest : public testing::Test {
protected:
    static DeviceConfig card(Values values, const std::string& guest = "web1") {
        for (const auto& [key, preset] :
             Values{{"queues", "1"}, {"mtu", "0"}, {"offloads", "true"}})
            values.emplace(key, preset);
        return plug_in({{"net0", "virtio-net", "", values}}, guest)[0];
    }
    static std::string mac_of(virtio::Model& model) {
        Mac mac;
        model.read_config(0, std::as_writable_bytes(std::span(mac)));
        return to_string(mac);
    }
    static HostSide host_with(const inventory::Inventory& inventory) {
        HostSide host;
        host.inventory = &inventory;
        return host;
    }
    TestNet net;
    inventory::Inventory inventory;
};

TEST(DeviceFactory, ADiskThatIsNotSaidToBeSharedStaysOnItsHost) {
    DeviceConfig disk;
    disk.id = "disk0";
    disk.model = "virtio-blk";
    disk.values = {{"path", "/d"}, {"shared", "false"}};
    const Status stays = check_leaving({disk});
    ASSERT_EQ(stays.code(), Code::Refused);
    EXPECT_EQ(stays.error().detail("device"), "disk0");
    EXPECT_THAT(stays.error().way_out(), HasSubstr("shared = true"));
    disk.values["shared"] = "true";
    EXPECT_TRUE(check_leaving({disk}).ok());
}

TEST_F(NetCardTest, HasTheTapsQueuesAndAnAddressOfItsOwn) {
    net.add_tap("tap0", IFF_VNET_HDR | IFF_MULTI_QUEUE);
    const DeviceConfig config = card({{"tap", "tap0"}, {"queues", "2"}});
    ASSERT_TRUE(open_devices({config}, inventory).ok());
    EXPECT_GE(inventory.find("tap.net0.1"), 0);
    const auto model = make_model(config, host_with(inventory)).value();
    EXPECT_EQ(model->facts().queues.size(), 5u);
    EXPECT_EQ(mac_of(*model), to_string(vmm::mac_of("web1", "net0")));
    inventory::Inventory empty;
    EXPECT_EQ(make_model(config, host_with(empty)).code(), Code::NotFound);
    EXPECT_TRUE(make_model(config, {}).ok()); // a probe
}

// By a host without it, and only a guest that is new there.
TEST_F(NetCardTest, TheVhostThatItIsToHaveIsThereOrNamed) {
    net.add_tap("tap0");
    const bool there = vhost_kernel().open().ok();
    const auto open = [&](const char* vhost, const std::string& guest) {
        inventory = inventory::Inventory();
        return open_devices({card({{"tap", "tap0"}, {"vhost", vhost}}, guest)}, inventory);
    };
    EXPECT_TRUE(open("off", "web1").ok());
    EXPECT_TRUE(open("auto", "web1").ok());
    EXPECT_TRUE(open("on", "").ok()); // it was new elsewhere
    EXPECT_TRUE(
        make_model(card({{"tap", "tap0"}, {"vhost", "on"}}, ""), host_with(inventory)).ok());
    const Status on = open("on", "web1");
    EXPECT_EQ(on.ok(), there);
    if (!on) {
        EXPECT_THAT(on.error().what(), HasSubstr("device 'net0'"));
        EXPECT_THAT(on.error().way_out(), HasSubstr("modprobe vhost_net"));
    }
}

// Linux's drivers take packed rings where they can have them, and vhost-net knows none.
TEST_F(NetCardTest, PackedRingsAreOfferedWithoutVhostOnly) {
    for (const auto& [vhost, withheld] :
         {std::pair("auto", true), std::pair("on", true), std::pair("off", false)})
        EXPECT_EQ(make_model(card({{"vhost", vhost}}), {}).value()->facts().withheld,
                  withheld ? 1ull << VIRTIO_F_RING_PACKED : 0);
}

TEST_F(NetCardTest, TheConfigurationMayNameTheAddress) {
    const auto model = make_model(card({{"mac", "52:54:00:12:34:56"}}), {}).value();
    EXPECT_EQ(mac_of(*model), "52:54:00:12:34:56");
    const Error e = make_model(card({{"mac", "mine"}}), {}).error();
    EXPECT_THAT(e.what(), HasSubstr("device 'net0'"));
    EXPECT_THAT(e.way_out(), HasSubstr("52:54:00:12:34:56"));
}

} // namespace
} // namespace segue::vmm

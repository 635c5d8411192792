// SPDX-License-Identifier: Apache-2.0
#include "core/base/log.hpp"
#include "vmm/devices/virtio_net/virtio_net.hpp"
#include "vmm/machine/factories/factory.hpp"

namespace segue::vmm {

namespace {

TapConfig tap_config(const DeviceConfig& d) {
    return {d.id, d.text("tap"), d.text("fd"), d.number("queues"), d.flag("offloads")};
}

// The factory's address of a card; a guest that goes on keeps the one that it has.
Result<Mac> burnt_in_mac(const DeviceConfig& d) {
    if (d.text("mac").empty())
        return mac_of(d.guest, d.id);
    auto mac = parse_mac(d.text("mac"));
    if (!mac)
        return std::move(mac).error().while_doing("device '" + d.id + "'").with("device", d.id);
    return mac;
}

// For a new guest; one that goes on does so with or without.
Status check_vhost(const DeviceConfig& d) {
    if (d.text("vhost") != "on" || d.guest.empty())
        return {};
    auto vhost = VhostNet::create(vhost_kernel(), {-1});
    return vhost ? Status()
                 : std::move(vhost)
                       .error()
                       .while_doing("device '" + d.id + "': vhost = \"on\"")
                       .way_out("load the host's driver (modprobe vhost_net) and let this user "
                                "open /dev/vhost-net, or say vhost = \"auto\"")
                       .with("device", d.id);
}

Status open_net(const DeviceConfig& d, inventory::Inventory& inventory) {
    SEGUE_TRY(check_vhost(d));
    return open_tap(tap_config(d), inventory);
}

std::unique_ptr<VhostNet> vhost_of(const DeviceConfig& d, const Tap& tap) {
    if (d.text("vhost") == "off" || tap.fds.empty())
        return nullptr;
    auto vhost = VhostNet::create(vhost_kernel(), tap.fds);
    if (vhost)
        return std::move(*vhost);
    const std::string why = "device '" + d.id + "' does without vhost-net: " + vhost.error().what();
    d.text("vhost") == "on" ? log::warn(why) : log::info(why);
    return nullptr;
}

Result<ModelPtr> make_net(const DeviceConfig& d, const HostSide& host) {
    SEGUE_ASSIGN(Tap tap, adopted(adopt_tap, tap_config(d), host));
    tap.reopened = host.reopened;
    SEGUE_ASSIGN(const Mac mac, burnt_in_mac(d));
    auto vhost = vhost_of(d, tap);
    if (vhost)
        for (const int fd : vhost->devices())
            host.slow_to_close->push_back(fd);
    SEGUE_ASSIGN(auto card, VirtioNet::create({d.id, mac, d.number("queues"), d.number("mtu"),
                                               d.flag("offloads"), d.text("vhost") == "off"},
                                              std::move(tap), std::move(vhost)));
    return ModelPtr(std::move(card));
}

} // namespace

constexpr Factory kNetFactory = {VirtioNet::kName, open_net, make_net};

} // namespace segue::vmm

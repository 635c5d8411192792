// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/device_factory.hpp"

#include <unistd.h>

#include <algorithm>

#include "core/base/log.hpp"
#include "vmm/devices/virtio_balloon/virtio_balloon.hpp"
#include "vmm/devices/virtio_block/uring_io.hpp"
#include "vmm/devices/virtio_block/virtio_block.hpp"
#include "vmm/devices/virtio_console/pty_port.hpp"
#include "vmm/devices/virtio_console/socket_port.hpp"
#include "vmm/devices/virtio_console/virtio_console.hpp"
#include "vmm/devices/virtio_net/virtio_net.hpp"
#include "vmm/devices/virtio_rng/virtio_rng.hpp"
#include "vmm/devices/virtio_vsock/virtio_vsock.hpp"

namespace segue::vmm {

namespace {

using ModelPtr = std::unique_ptr<virtio::Model>;

// What a device stands for, out of the inventory; a probe, which has none, gets nothing.
template <class Thing, class Name>
Result<Thing> adopted(Result<Thing> (*adopt)(const Name&, const inventory::Inventory&),
                      const Name& name, const HostSide& host) {
    return host.inventory != nullptr ? adopt(name, *host.inventory) : Result<Thing>(Thing{});
}

Status open_balloon(const DeviceConfig& d, inventory::Inventory& inventory) {
    for (const inventory::RamBlock& block : inventory.blocks())
        if ((1ull << block.page_shift) != BalloonSize::kPage)
            return Error(Code::Unsupported, "device '" + d.id + "': the pages of RAM '" + block.id +
                                                "' are too large to be given back one by one")
                .way_out("leave the balloon out, or use memory with pages of 4 KiB")
                .with("device", d.id);
    return {};
}

Result<ModelPtr> make_balloon(const DeviceConfig& d, const HostSide& host) {
    std::shared_ptr<BalloonSize> size = host.balloon;
    if (size == nullptr) {
        SEGUE_ASSIGN(size, BalloonSize::create());
    }
    return ModelPtr(new VirtioBalloon(d.id, std::move(size)));
}

DiskConfig disk_config(const DeviceConfig& d) {
    return {d.id, d.text("path"), d.flag("read_only")};
}

Status open_block(const DeviceConfig& d, inventory::Inventory& inventory) {
    return open_disk(disk_config(d), inventory);
}

Status join_block(const DeviceConfig& d, inventory::Inventory& inventory) {
    return join_disk(disk_config(d), inventory);
}

Status block_may_leave(const DeviceConfig& d) {
    if (d.flag("shared"))
        return {};
    return Error(Code::Refused, "disk '" + d.id + "' (" + d.text("path") +
                                    ") is not said to be on storage that other hosts share")
        .way_out("put it there, and start the guest with options.shared = true of that device")
        .with("device", d.id);
}

Status unlock_block(const DeviceConfig& d, const inventory::Inventory& inventory) {
    return let_go(disk_config(d), inventory);
}
Status lock_block(const DeviceConfig& d, const inventory::Inventory& inventory) {
    return take_hold(disk_config(d), inventory);
}
Status block_is_held(const DeviceConfig& d, const inventory::Inventory& inventory) {
    return check_held(disk_config(d), inventory);
}

Result<ModelPtr> make_block(const DeviceConfig& d, const HostSide& host) {
    SEGUE_ASSIGN(Disk disk, adopted(adopt_disk, disk_config(d), host));
    disk.config = disk_config(d);
    disk.reopened = host.reopened && std::find(host.changed_disks.begin(), host.changed_disks.end(),
                                               d.id) == host.changed_disks.end();
    SEGUE_ASSIGN(auto io, make_uring_io(disk.fd));
    return ModelPtr(new VirtioBlock(std::move(disk), std::move(io)));
}

std::string port_item(const DeviceConfig& d) {
    return "port." + d.id;
}

Status open_console_port(const DeviceConfig& d, inventory::Inventory& inventory) {
    if (const std::string path = d.text("socket"); !path.empty()) {
        auto socket = open_port_socket(port_item(d), path, inventory);
        return socket ? Status() : std::move(socket).error().while_doing("device '" + d.id + "'");
    }
    SEGUE_ASSIGN(const Pty pty, open_pty(port_item(d), inventory));
    log::info("device '" + d.id + "': its other end is " + pty.path);
    return {};
}

Result<std::unique_ptr<HostPort>> host_port(const DeviceConfig& d, const HostSide& host) {
    if (!d.text("socket").empty()) {
        SEGUE_ASSIGN(const PortSocket socket, adopted(adopt_port_socket, port_item(d), host));
        return SocketPort::create(socket);
    }
    SEGUE_ASSIGN(Pty pty, adopted(adopt_pty, port_item(d), host));
    return PtyPort::create(std::move(pty));
}

Result<ModelPtr> make_console(const DeviceConfig& d, const HostSide& host) {
    SEGUE_ASSIGN(auto end, host_port(d, host));
    return ModelPtr(new VirtioConsole(d.id, d.text("port"), std::move(end)));
}

void remove_console_port(const DeviceConfig& d) noexcept {
    if (const std::string path = d.text("socket"); !path.empty())
        ::unlink(path.c_str());
}

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

VsockConfig vsock_config(const DeviceConfig& d) {
    return {d.id, d.number("cid"), d.text("path")};
}

Status open_sockets(const DeviceConfig& d, inventory::Inventory& inventory) {
    return open_vsock(vsock_config(d), inventory);
}

Result<ModelPtr> make_sockets(const DeviceConfig& d, const HostSide& host) {
    SEGUE_ASSIGN(VsockHostEnd end, adopted(adopt_vsock, vsock_config(d), host));
    end.reopened = host.reopened;
    SEGUE_ASSIGN(auto sockets, VirtioVsock::create(vsock_config(d), end));
    return ModelPtr(std::move(sockets));
}

void remove_sockets(const DeviceConfig& d) noexcept {
    remove_vsock(vsock_config(d));
}

Status open_nothing(const DeviceConfig&, inventory::Inventory&) {
    return {};
}

Result<ModelPtr> make_rng(const DeviceConfig& d, const HostSide&) {
    return ModelPtr(new VirtioRng(d.id));
}

using Act = Status (*)(const DeviceConfig&, const inventory::Inventory&);

// Of a device that stands for something which only one host may hold.
struct Holding {
    Status (*join)(const DeviceConfig&, inventory::Inventory&); // in place of open()
    Status (*may_leave)(const DeviceConfig&);
    Act let_go, take_hold, check_held;
};
constexpr Holding kDiskLock = {join_block, block_may_leave, unlock_block, lock_block,
                               block_is_held};

struct Factory {
    std::string_view model;
    Status (*open)(const DeviceConfig&, inventory::Inventory&);
    Result<ModelPtr> (*make)(const DeviceConfig&, const HostSide&);
    void (*remove)(const DeviceConfig&) noexcept = nullptr; // what open() has left on the host
    const Holding* holding = nullptr;
};

constexpr Factory kFactories[] = {
    {VirtioBalloon::kName, open_balloon, make_balloon},
    {VirtioBlock::kName, open_block, make_block, nullptr, &kDiskLock},
    {VirtioConsole::kName, open_console_port, make_console, remove_console_port},
    {VirtioNet::kName, open_net, make_net},
    {VirtioRng::kName, open_nothing, make_rng},
    {VirtioVsock::kName, open_sockets, make_sockets, remove_sockets},
};

Result<const Factory*> factory_of(const DeviceConfig& device) {
    const auto* f = std::find_if(std::begin(kFactories), std::end(kFactories),
                                 [&](const Factory& one) { return one.model == device.model; });
    if (f == std::end(kFactories))
        return Error(Code::Unsupported,
                     "device '" + device.id + "': this VMM has no model \"" + device.model + '"')
            .way_out("update to a VMM that has it")
            .with("device", device.id);
    return f;
}

} // namespace

Status open_devices(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        SEGUE_TRY(factory->open(d, inventory));
    }
    return {};
}

Status join_devices(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        SEGUE_TRY(factory->holding != nullptr ? factory->holding->join(d, inventory)
                                              : factory->open(d, inventory));
    }
    return {};
}

Status check_leaving(const std::vector<DeviceConfig>& devices) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        if (factory->holding != nullptr)
            SEGUE_TRY(factory->holding->may_leave(d));
    }
    return {};
}

namespace {

Status each_holding(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory,
                    Act Holding::*act) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        if (factory->holding != nullptr)
            SEGUE_TRY((factory->holding->*act)(d, inventory));
    }
    return {};
}

} // namespace

Status let_go(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory) {
    return each_holding(devices, inventory, &Holding::let_go);
}

Status take_hold(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory) {
    return each_holding(devices, inventory, &Holding::take_hold);
}

Status check_held(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory) {
    return each_holding(devices, inventory, &Holding::check_held);
}

void forget_devices(const std::vector<DeviceConfig>& devices) noexcept {
    for (const DeviceConfig& d : devices)
        if (const auto factory = factory_of(d); factory && (*factory)->remove != nullptr)
            (*factory)->remove(d);
}

Result<ModelPtr> make_model(const DeviceConfig& device, const HostSide& host) {
    SEGUE_ASSIGN(const Factory* factory, factory_of(device));
    return factory->make(device, host);
}

} // namespace segue::vmm

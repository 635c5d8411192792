// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "vmm/devices/virtio_block/uring_io.hpp"
#include "vmm/devices/virtio_block/virtio_block.hpp"
#include "vmm/machine/factories/factory.hpp"

namespace segue::vmm {

namespace {

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

Status write_out_block(const DeviceConfig& d, const inventory::Inventory& inventory) {
    return write_out(disk_config(d), inventory);
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

constexpr Holding kDiskLock = {join_block,   block_may_leave, write_out_block,
                               unlock_block, lock_block,      block_is_held};

} // namespace

constexpr Factory kBlockFactory = {VirtioBlock::kName, open_block, make_block, nullptr, &kDiskLock};

} // namespace segue::vmm

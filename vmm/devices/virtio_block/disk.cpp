// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/disk.hpp"

#include <linux/fs.h>

#include <cerrno>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::uint64_t kSector = 512;

std::string item_of(const DiskConfig& config) {
    return "disk." + config.id;
}

std::string about(const DiskConfig& config) {
    return "disk '" + config.id + "' (" + config.path + ")";
}

Error refused(const DiskConfig& config, const std::string& why, std::string way_out) {
    return Error(Code::Refused, about(config) + ": " + why)
        .way_out(std::move(way_out))
        .with("device", config.id);
}

Status lock(const DiskConfig& config, int fd) {
    struct flock whole = {};
    whole.l_type = config.read_only ? F_RDLCK : F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return {};
    if (errno == EAGAIN || errno == EACCES)
        return refused(config, "another process has it locked",
                       "end the other user of the disk, or give this guest another one");
    return Error::from_errno(errno, "lock " + config.path);
}

// Of a block device or a file.
Result<std::uint64_t> size_of(const DiskConfig& config, int fd) {
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    std::uint64_t bytes = static_cast<std::uint64_t>(s.st_size);
    if (S_ISBLK(s.st_mode)) {
        if (auto r = sys::ioctl(fd, BLKGETSIZE64, &bytes, "BLKGETSIZE64"); !r)
            return std::move(r).error();
    } else if (!S_ISREG(s.st_mode)) {
        return refused(config, "it is neither a file nor a block device",
                       "name the file or device that holds the disk");
    }
    if (bytes == 0 || bytes % kSector != 0)
        return refused(config,
                       "its size, " + std::to_string(bytes) +
                           " bytes, is not a whole number of 512-byte sectors",
                       "make it one: truncate -s " +
                           std::to_string((bytes / kSector + 1) * kSector) + " " + config.path);
    return bytes;
}

} // namespace

Status open_disk(const DiskConfig& config, inventory::Inventory& inventory) {
    auto fd = sys::open(config.path, config.read_only ? O_RDONLY : O_RDWR);
    if (!fd)
        return std::move(fd)
            .error()
            .while_doing("disk '" + config.id + "'")
            .way_out("make the file, or correct the path or its permissions")
            .with("device", config.id);
    SEGUE_TRY(size_of(config, fd->get()));
    SEGUE_TRY(lock(config, fd->get()));
    return inventory.add(inventory::Item{item_of(config), std::move(*fd)});
}

Result<Disk> adopt_disk(const DiskConfig& config, const inventory::Inventory& inventory) {
    Disk disk;
    disk.config = config;
    disk.fd = inventory.find(item_of(config));
    if (disk.fd < 0)
        return Error(Code::NotFound,
                     about(config) + ": the inventory has no \"" + item_of(config) + '"')
            .with("item", item_of(config));
    SEGUE_ASSIGN(disk.bytes, size_of(config, disk.fd));
    unsigned block = 0;
    if (::ioctl(disk.fd, BLKPBSZGET, &block) == 0 && block >= kSector)
        disk.block_bytes = block;
    return disk;
}

Result<DiskIdentity> identity_of(const Disk& disk) {
    SEGUE_ASSIGN(const struct stat s, sys::stat(disk.fd));
    DiskIdentity identity = {s.st_ino, disk.bytes, 0};
    if (S_ISREG(s.st_mode))
        identity.changed_ns = s.st_mtim.tv_sec * 1'000'000'000ll + s.st_mtim.tv_nsec;
    return identity;
}

} // namespace segue::vmm

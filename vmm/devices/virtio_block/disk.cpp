// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/disk.hpp"

#include <linux/fs.h>

#include <cerrno>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::chrono::seconds kLock{2};

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

struct flock whole(const DiskConfig& config) {
    struct flock l = {};
    l.l_type = config.read_only ? F_RDLCK : F_WRLCK;
    l.l_whence = SEEK_SET;
    return l;
}

Status lock(const DiskConfig& config, int fd) {
    const struct flock l = whole(config);
    if (::fcntl(fd, F_OFD_SETLK, &l) == 0)
        return {};
    if (errno == EAGAIN || errno == EACCES)
        return refused(config, "another process has it locked",
                       "end the other user of the disk, or give this guest another one");
    return Error::from_errno(errno, "lock " + config.path);
}

// Who has just let go of the guest may still hold it: the kernel closes the files of an io_uring
// some time after its process has ended.
Status lock_in_time(const DiskConfig& config, int fd) {
    for (const Deadline limit = Deadline::in(kLock);;) {
        Status s = lock(config, fd);
        if (s || s.code() != Code::Refused || limit.passed())
            return s;
        (void)Waiter{limit}.nap(1).ok();
    }
}

Result<int> fd_of(const DiskConfig& config, const inventory::Inventory& inventory) {
    const int fd = inventory.find(item_of(config));
    if (fd >= 0)
        return fd;
    return Error(Code::NotFound,
                 about(config) + ": the inventory has no \"" + item_of(config) + '"')
        .with("item", item_of(config));
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

Status join_disk(const DiskConfig& config, inventory::Inventory& inventory) {
    auto fd = sys::open(config.path, config.read_only ? O_RDONLY : O_RDWR);
    if (!fd)
        return std::move(fd)
            .error()
            .while_doing("disk '" + config.id + "'")
            .way_out("make the file, or correct the path or its permissions")
            .with("device", config.id);
    SEGUE_TRY(size_of(config, fd->get()));
    return inventory.add(inventory::Item{item_of(config), std::move(*fd)});
}

Status open_disk(const DiskConfig& config, inventory::Inventory& inventory) {
    SEGUE_TRY(join_disk(config, inventory));
    Status s = lock_in_time(config, inventory.find(item_of(config)));
    if (!s)
        (void)inventory.take(item_of(config));
    return s;
}

Status write_out(const DiskConfig& config, const inventory::Inventory& inventory) {
    SEGUE_ASSIGN(const int fd, fd_of(config, inventory));
    if (!config.read_only && ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) != 0)
        return Error::from_errno(errno, "write out " + config.path).with("device", config.id);
    return {};
}

Status let_go(const DiskConfig& config, const inventory::Inventory& inventory) {
    SEGUE_ASSIGN(const int fd, fd_of(config, inventory));
    if (!config.read_only && ::fdatasync(fd) != 0)
        return Error::from_errno(errno, "sync " + config.path).with("device", config.id);
    struct flock l = whole(config);
    l.l_type = F_UNLCK;
    if (::fcntl(fd, F_OFD_SETLK, &l) != 0)
        return Error::from_errno(errno, "unlock " + config.path).with("device", config.id);
    return {};
}

Status take_hold(const DiskConfig& config, const inventory::Inventory& inventory) {
    SEGUE_ASSIGN(const int fd, fd_of(config, inventory));
    SEGUE_TRY(lock_in_time(config, fd));
    // What this host has read of it before may be older than what the other one wrote.
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    return {};
}

Status check_held(const DiskConfig& config, const inventory::Inventory& inventory) {
    SEGUE_ASSIGN(const int fd, fd_of(config, inventory));
    SEGUE_ASSIGN(const struct stat st, sys::stat(fd));
    if (S_ISBLK(st.st_mode) || config.read_only)
        return {};
    struct flock l = whole(config);
    if (::fcntl(fd, F_OFD_GETLK, &l) != 0)
        return Error::from_errno(errno, "look at the lock of " + config.path);
    if (l.l_type != F_UNLCK)
        return {};
    return refused(config, "the VMM that runs the guest on the other host has no lock on it",
                   "it is another file there, or on storage whose locks other hosts do not see: "
                   "use the same one");
}

Result<Disk> adopt_disk(const DiskConfig& config, const inventory::Inventory& inventory) {
    Disk disk;
    disk.config = config;
    SEGUE_ASSIGN(disk.fd, fd_of(config, inventory));
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

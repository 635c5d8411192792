// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/state.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint64_t kMaxBlock = 1 << 20;

bool is_power_of_two(std::uint64_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

} // namespace

void BlockState::write(state::Writer& section) const {
    section.put("capacity", capacity);
    section.put("block_bytes", block_bytes);
    if (!disk)
        return;
    section.put("disk_inode", disk->inode);
    section.put("disk_bytes", disk->bytes);
    section.put_signed("disk_changed_ns", disk->changed_ns);
}

Result<BlockState> BlockState::read(const state::Section& section) {
    BlockState s;
    SEGUE_ASSIGN(s.capacity, section.number("capacity"));
    SEGUE_ASSIGN(const std::uint64_t block, section.number("block_bytes"));
    if (!is_power_of_two(block) || block < 512 || block > kMaxBlock)
        return Error(Code::Corrupt, "virtio-blk: blocks of " + std::to_string(block) + " bytes");
    s.block_bytes = static_cast<std::uint32_t>(block);
    if (section.find("disk_inode") == nullptr)
        return s;
    DiskIdentity disk;
    SEGUE_ASSIGN(disk.inode, section.number("disk_inode"));
    SEGUE_ASSIGN(disk.bytes, section.number("disk_bytes"));
    SEGUE_ASSIGN(disk.changed_ns, section.signed_number("disk_changed_ns"));
    s.disk = disk;
    return s;
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/virtio_block.hpp"

#include <linux/virtio_blk.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/base/log.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint16_t kQueueSize = 256;
constexpr std::uint32_t kClass = 0x018000; // mass storage, other
constexpr std::uint64_t kSector = 512;

constexpr std::uint64_t bit(unsigned n) {
    return 1ull << n;
}

std::uint64_t features_of(const Disk& disk) {
    const std::uint64_t always = bit(VIRTIO_BLK_F_SEG_MAX) | bit(VIRTIO_BLK_F_BLK_SIZE) |
                                 bit(VIRTIO_BLK_F_TOPOLOGY) | bit(VIRTIO_BLK_F_FLUSH);
    return always |
           (disk.config.read_only ? bit(VIRTIO_BLK_F_RO)
                                  : bit(VIRTIO_BLK_F_DISCARD) | bit(VIRTIO_BLK_F_WRITE_ZEROES));
}

} // namespace

VirtioBlock::VirtioBlock(Disk disk, std::unique_ptr<HostIo> io)
    : facts_{kName,  disk.config.id,    BlockState::kRevision, VIRTIO_ID_BLOCK,
             kClass, features_of(disk), {kQueueSize}}
    , disk_(std::move(disk))
    , hardware_{disk_.bytes, disk_.block_bytes, std::nullopt}
    , limits_{disk_.config.id, disk_.bytes, disk_.config.read_only, false}
    , io_(std::move(io))
    , requests_(HostIo::kDepth) {
    for (std::size_t i = requests_.size(); i != 0; --i)
        free_.push_back(i - 1);
}

void VirtioBlock::read_config(std::uint32_t at, std::span<std::byte> data) const {
    virtio_blk_config c = {};
    const std::uint32_t sectors_a_block = hardware_.block_bytes / kSector;
    c.capacity = hardware_.capacity / kSector;
    c.seg_max = kQueueSize - 2; // a header and a status take one each
    c.blk_size = kSector;
    c.physical_block_exp = static_cast<std::uint8_t>(std::countr_zero(sectors_a_block));
    c.min_io_size = static_cast<std::uint16_t>(std::min<std::uint32_t>(sectors_a_block, 0xffff));
    c.max_discard_sectors = kMaxDiscardSectors;
    c.max_discard_seg = 1;
    c.discard_sector_alignment = sectors_a_block;
    c.max_write_zeroes_sectors = kMaxWriteZeroesSectors;
    c.max_write_zeroes_seg = 1;
    c.write_zeroes_may_unmap = 1;
    virtio::read_structure(c, at, data);
}

void VirtioBlock::start(std::uint64_t features) {
    limits_.write_through = (features & bit(VIRTIO_BLK_F_FLUSH)) == 0;
}

Result<bool> VirtioBlock::serve(unsigned index, std::span<virtio::Queue> queues,
                                const virtio::Memory& memory) {
    virtio::Queue& queue = queues[index];
    return queue.drain([&] { return !free_.empty(); }, // else answers bring the device back here
                       [&](virtio::Chain chain) { return take(std::move(chain), queue, memory); });
}

Status VirtioBlock::take(virtio::Chain chain, virtio::Queue& queue, const virtio::Memory& memory) {
    SEGUE_ASSIGN(BlockRequest request, BlockRequest::read(limits_, std::move(chain), memory));
    if (!request.for_host()) {
        complete(request, queue, memory);
        return {};
    }
    const std::size_t token = free_.back();
    free_.pop_back();
    requests_[token] = std::move(request);
    io_->prepare(requests_[token]->host(), token);
    return {};
}

void VirtioBlock::finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) {
    while (const auto answer = io_->next()) {
        BlockRequest& request = *requests_[answer->token];
        if (!request.finished_by(answer->result)) {
            io_->prepare(request.host(), answer->token);
            continue;
        }
        if (request.failed() && !std::exchange(warned_, true))
            log::warn("disk '" + facts_.id + "' (" + disk_.config.path + "): " +
                      (answer->result < 0 ? std::strerror(-answer->result)
                                          : "it ends before what the guest wants of it") +
                      "; the guest gets an I/O error, and further ones are not shown here");
        complete(request, queues[0], memory);
        requests_[answer->token].reset();
        free_.push_back(answer->token);
    }
}

void VirtioBlock::complete(const BlockRequest& request, virtio::Queue& queue,
                           const virtio::Memory& memory) {
    if (queue.enabled())
        queue.push(request.chain(), request.complete(memory));
}

void VirtioBlock::save(state::Writer& section, bool settled) const {
    BlockState s = hardware_;
    if (settled)
        if (const auto identity = identity_of(disk_))
            s.disk = *identity;
    s.write(section);
}

Status VirtioBlock::check_disk(const BlockState& state) const {
    const std::string disk = "disk '" + facts_.id + "' (" + disk_.config.path + ")";
    if (disk_.bytes < state.capacity)
        return Error(Code::Refused, disk + ": it has " + std::to_string(disk_.bytes) +
                                        " bytes, but " + std::to_string(state.capacity) +
                                        " in the guest")
            .way_out("give the file its size back")
            .with("device", facts_.id);
    if (!disk_.reopened || !state.disk)
        return {};
    SEGUE_ASSIGN(const DiskIdentity now, identity_of(disk_));
    if (now != *state.disk)
        return Error(Code::Refused,
                     disk +
                         (now.inode != state.disk->inode ? ": it is another file than when"
                                                         : ": it was changed after") +
                         " the guest was saved")
            .way_out("put the disk back as it was: a guest that goes on with another one loses "
                     "data; if that is what you want: segue start NAME --accept-changed-disk " +
                     facts_.id)
            .with("device", facts_.id);
    return {};
}

// A probe has no descriptor: what can be said of the disk, the VMM that has it says.
Status VirtioBlock::load(const state::Section& section) {
    SEGUE_ASSIGN(const BlockState state, BlockState::read(section));
    if (disk_.fd >= 0)
        SEGUE_TRY(check_disk(state));
    hardware_ = state;
    hardware_.disk.reset(); // save() looks anew
    limits_.bytes = state.capacity;
    return {};
}

} // namespace segue::vmm

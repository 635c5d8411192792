// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/request.hpp"

#include <linux/virtio_blk.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace segue::vmm {

namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::size_t kZeroPiece = 64 << 10;

// [offset, offset + bytes) is whole sectors of the disk.
bool is_inside(std::uint64_t sector, std::uint64_t bytes, std::uint64_t disk) {
    return bytes % kSector == 0 && sector <= disk / kSector && bytes <= disk - sector * kSector;
}

// Drops what is done.
void advance(std::vector<iovec>& pieces, std::size_t bytes) {
    auto piece = pieces.begin();
    for (; piece != pieces.end() && bytes >= piece->iov_len; ++piece)
        bytes -= piece->iov_len;
    pieces.erase(pieces.begin(), piece);
    if (!pieces.empty()) {
        pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + bytes;
        pieces.front().iov_len -= bytes;
    }
}

// `bytes` zeros, all from one place that is only read.
std::vector<iovec> zeros(std::uint64_t bytes) {
    alignas(4096) static std::array<std::byte, kZeroPiece> zero = {};
    std::vector<iovec> pieces;
    for (; bytes != 0; bytes -= pieces.back().iov_len)
        pieces.push_back(
            {zero.data(), static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kZeroPiece))});
    return pieces;
}

} // namespace

Result<BlockRequest> BlockRequest::read(const DiskFacts& disk, virtio::Chain chain,
                                        const virtio::Memory& memory) {
    if (chain.readable_bytes() < sizeof(virtio_blk_outhdr) || chain.writable_bytes() < 1)
        return Error(Code::Corrupt, "a block request without a header or a status byte");
    BlockRequest request(std::move(chain));
    request.status_ = VIRTIO_BLK_S_OK;
    request.plan(disk, memory);
    return request;
}

void BlockRequest::plan(const DiskFacts& disk, const virtio::Memory& memory) {
    virtio_blk_outhdr header = {};
    virtio::read(memory, chain_.readable(), 0, std::as_writable_bytes(std::span(&header, 1)));
    const bool changes = header.type != VIRTIO_BLK_T_IN && header.type != VIRTIO_BLK_T_FLUSH &&
                         header.type != VIRTIO_BLK_T_GET_ID;
    switch (header.type) {
    case VIRTIO_BLK_T_IN:
    case VIRTIO_BLK_T_OUT:
        plan_data(disk, memory, header.sector, header.type == VIRTIO_BLK_T_OUT);
        break;
    case VIRTIO_BLK_T_FLUSH:
        host_.kind = HostRequest::Kind::Flush;
        for_host_ = true;
        break;
    case VIRTIO_BLK_T_GET_ID:
        give_id(disk, memory);
        break;
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
        plan_range(disk, memory, header.type == VIRTIO_BLK_T_DISCARD);
        break;
    default:
        status_ = VIRTIO_BLK_S_UNSUPP;
    }
    if (changes && disk.read_only && status_ == VIRTIO_BLK_S_OK)
        status_ = VIRTIO_BLK_S_IOERR;
    for_host_ = for_host_ && status_ == VIRTIO_BLK_S_OK;
}

void BlockRequest::plan_data(const DiskFacts& disk, const virtio::Memory& memory,
                             std::uint64_t sector, bool write) {
    using Kind = HostRequest::Kind;
    const std::uint64_t header = sizeof(virtio_blk_outhdr);
    const std::uint64_t bytes =
        write ? chain_.readable_bytes() - header : chain_.writable_bytes() - 1;
    if (!is_inside(sector, bytes, disk.bytes) ||
        !virtio::map(memory, write ? chain_.readable() : chain_.writable(), write ? header : 0,
                     bytes, host_.pieces)) {
        status_ = VIRTIO_BLK_S_IOERR;
        return;
    }
    host_.kind = !write ? Kind::Read : disk.write_through ? Kind::DurableWrite : Kind::Write;
    host_.offset = sector * kSector;
    host_.bytes = bytes;
    filled_ = write ? 0 : static_cast<std::uint32_t>(bytes);
    for_host_ = bytes != 0;
}

// 5.2.6.1: one segment; the flag UNMAP is for zeroes only.
void BlockRequest::plan_range(const DiskFacts& disk, const virtio::Memory& memory, bool discard) {
    virtio_blk_discard_write_zeroes range = {};
    const std::uint64_t header = sizeof(virtio_blk_outhdr);
    const auto to = std::as_writable_bytes(std::span(&range, 1));
    const std::uint32_t allowed = discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
    const std::uint32_t most = discard ? kMaxDiscardSectors : kMaxWriteZeroesSectors;
    if (chain_.readable_bytes() != header + sizeof range)
        status_ = VIRTIO_BLK_S_IOERR;
    else if (virtio::read(memory, chain_.readable(), header, to); (range.flags & ~allowed) != 0)
        status_ = VIRTIO_BLK_S_UNSUPP;
    else if (range.num_sectors > most ||
             !is_inside(range.sector, range.num_sectors * kSector, disk.bytes))
        status_ = VIRTIO_BLK_S_IOERR;
    host_.kind =
        discard || range.flags != 0 ? HostRequest::Kind::PunchHole : HostRequest::Kind::ZeroRange;
    host_.offset = range.sector * kSector;
    host_.bytes = range.num_sectors * kSector;
    zeroes_ = !discard;
    for_host_ = host_.bytes != 0;
}

void BlockRequest::give_id(const DiskFacts& disk, const virtio::Memory& memory) {
    std::array<char, VIRTIO_BLK_ID_BYTES> id = {};
    std::copy_n(disk.id.begin(), std::min(disk.id.size(), id.size()), id.begin());
    const std::uint64_t room = chain_.writable_bytes() - 1;
    const auto bytes = std::as_bytes(std::span(id)).first(std::min<std::size_t>(room, id.size()));
    filled_ = static_cast<std::uint32_t>(virtio::write(memory, chain_.writable(), 0, bytes));
}

// A file system that cannot do it one way may do it another; plain writes it always can. A discard
// is a hint, which need not be taken.
bool BlockRequest::next_way_to_zero() {
    using Kind = HostRequest::Kind;
    if (!zeroes_)
        return false;
    const bool hole = host_.kind == Kind::PunchHole;
    host_.kind = hole ? Kind::ZeroRange : Kind::Write;
    if (!hole)
        host_.pieces = zeros(host_.bytes);
    return true;
}

bool BlockRequest::finished_by(std::int32_t result) {
    using Kind = HostRequest::Kind;
    if (result == -EINTR || result == -EAGAIN)
        return false;
    switch (host_.kind) {
    case Kind::Read:
    case Kind::Write:
    case Kind::DurableWrite:
        return data_answered(result);
    case Kind::PunchHole:
    case Kind::ZeroRange:
        if (result == -EOPNOTSUPP && next_way_to_zero())
            return false;
        if (result == -EOPNOTSUPP)
            return true;
        break;
    case Kind::Flush:
        break;
    }
    if (result < 0)
        status_ = VIRTIO_BLK_S_IOERR;
    return true;
}

// The host may do less than it was asked; nothing at all is the end of the file.
bool BlockRequest::data_answered(std::int32_t result) {
    if (result <= 0 || static_cast<std::uint64_t>(result) > host_.bytes) {
        status_ = VIRTIO_BLK_S_IOERR;
        return true;
    }
    advance(host_.pieces, static_cast<std::size_t>(result));
    host_.offset += static_cast<std::uint64_t>(result);
    host_.bytes -= static_cast<std::uint64_t>(result);
    return host_.bytes == 0;
}

bool BlockRequest::failed() const {
    return status_ == VIRTIO_BLK_S_IOERR;
}

// 5.2.6: the status is the last byte that the driver gave room for. What was not read is not
// claimed to be filled.
std::uint32_t BlockRequest::complete(const virtio::Memory& memory) const {
    const std::uint64_t last = chain_.writable_bytes() - 1;
    virtio::write(memory, chain_.writable(), last, std::as_bytes(std::span(&status_, 1)));
    if (status_ != VIRTIO_BLK_S_OK)
        return last == 0 ? 1 : 0;
    return filled_ == last ? filled_ + 1 : filled_;
}

} // namespace segue::vmm

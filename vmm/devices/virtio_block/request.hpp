// SPDX-License-Identifier: Apache-2.0
// request.hpp - one request of a virtio-blk driver, from its chain to its status byte.
#pragma once

#include <cstdint>
#include <string>

#include "vmm/devices/virtio_block/host_io.hpp"
#include "vmm/virtio/chain.hpp"

namespace segue::vmm {

// What requests are checked against.
struct DiskFacts {
    std::string id; // at most 20 bytes of it are the driver's serial number
    std::uint64_t bytes = 0;
    bool read_only = false;
    bool write_through = false; // the driver never flushes (5.2.5.2)
};

// In one segment of one request (5.2.4): zeros that the host cannot make are written from a list of
// pieces.
inline constexpr std::uint32_t kMaxDiscardSectors = 1 << 22;
inline constexpr std::uint32_t kMaxWriteZeroesSectors = 1 << 16;

// Virtio 1.2, 5.2.6. [with the device's lock]
class BlockRequest {
public:
    // CORRUPT: without a header or a status byte there is nothing that could be answered.
    static Result<BlockRequest> read(const DiskFacts& disk, virtio::Chain chain,
                                     const virtio::Memory& memory);

    // Else it is answered by itself.
    bool for_host() const { return for_host_; }
    const HostRequest& host() const { return host_; }
    // Takes the host's answer to host(), bytes or -errno; false: it must be asked again, with what
    // host() says now.
    bool finished_by(std::int32_t result);
    bool failed() const;

    // Writes the status; how many bytes of the chain's writable part are filled.
    std::uint32_t complete(const virtio::Memory& memory) const;
    const virtio::Chain& chain() const { return chain_; }

private:
    explicit BlockRequest(virtio::Chain chain)
        : chain_(std::move(chain)) {}
    void plan(const DiskFacts& disk, const virtio::Memory& memory);
    void plan_data(const DiskFacts& disk, const virtio::Memory& memory, std::uint64_t sector,
                   bool write);
    void plan_range(const DiskFacts& disk, const virtio::Memory& memory, bool discard);
    void give_id(const DiskFacts& disk, const virtio::Memory& memory);
    bool next_way_to_zero();
    bool data_answered(std::int32_t result);

    virtio::Chain chain_;
    HostRequest host_;
    bool for_host_ = false;
    bool zeroes_ = false;      // else a hole is only a hint
    std::uint8_t status_;      // VIRTIO_BLK_S_*
    std::uint32_t filled_ = 0; // data for the driver, once the status is OK
};

} // namespace segue::vmm

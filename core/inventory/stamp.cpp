// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/stamp.hpp"

#include <cstring>

#include <segue/cpp/sys.hpp>

#include "core/inventory/beside.hpp"
#include "core/state/checksum.hpp"

namespace segue::inventory {

namespace {

constexpr std::uint64_t kMagic = 0x504d415453474553; // "SEGSTAMP"
constexpr std::uint64_t kPage = 4096, kSamples = 64;

// As it lies in the file.
struct Raw {
    std::uint64_t magic;
    std::uint32_t version, reserved;
    Stamp stamp;
    state::Digest samples;  // of the sampled pages' digests
    std::uint64_t checksum; // of all before
};
static_assert(sizeof(Raw) == 80 && sizeof(Raw) <= kPage);

std::uint64_t checksum_of(const Raw& raw) {
    return state::checksum(std::as_bytes(std::span(&raw, 1)).first(offsetof(Raw, checksum)), {});
}

// Beside the mapping, through which a hole would become a page.
Result<state::Digest> sample(const RamBlock& block) {
    const std::uint64_t pages = block.bytes / kPage;
    const std::uint64_t n = pages < kSamples ? pages : kSamples;
    state::Digest all = {};
    std::array<std::byte, kPage> page;
    for (std::uint64_t i = 0; i < n; ++i) {
        // The last page is one of them: a file that was cut short ends there.
        const std::uint64_t at = n == 1 ? 0 : i * (pages - 1) / (n - 1);
        SEGUE_TRY(read_beside(block, block.offset + at * kPage, page));
        all = state::digest(all, page);
    }
    return all;
}

Error not_ours(const RamBlock& block, const std::string& why) {
    return Error(Code::Refused, "the memory behind RAM block '" + block.id + "' " + why)
        .way_out("the guest cannot go on with it: start it anew, or put the memory back that was "
                 "saved with this state")
        .with("block", block.id);
}

} // namespace

Status write_stamp(const RamBlock& block, const Stamp& stamp) {
    if (block.stamp == SEGUE_NO_STAMP)
        return Error(Code::Refused, "RAM block '" + block.id + "' (memory/" + block.backend +
                                        ") has no room for the stamp that tells whose it is")
            .way_out("let the mode copy it, or use another memory back-end")
            .with("block", block.id);
    Raw raw = {kMagic, 1, 0, stamp, {}, 0};
    SEGUE_ASSIGN(raw.samples, sample(block));
    raw.checksum = checksum_of(raw);
    return write_beside(block, block.stamp, std::as_bytes(std::span(&raw, 1)));
}

Status sync(const RamBlock& block) {
    // EINVAL: memory that no disk stands behind (device DAX).
    if (::fsync(block.fd.get()) != 0 && errno != EINVAL)
        return Error::from_errno(errno, "sync RAM block " + block.id).with("block", block.id);
    return {};
}

Status check_stamp(const RamBlock& block, const Stamp& stamp) {
    if (block.stamp == SEGUE_NO_STAMP)
        return not_ours(block, "cannot say whose it is");
    Raw raw = {};
    SEGUE_TRY(read_beside(block, block.stamp, std::as_writable_bytes(std::span(&raw, 1))));
    if (raw.magic != kMagic || raw.version != 1 || raw.checksum != checksum_of(raw))
        return not_ours(block, "carries no stamp: nobody left it there for a later start");
    if (raw.stamp.guest != stamp.guest)
        return not_ours(block, "is another guest's");
    if (raw.stamp.generation != stamp.generation || raw.stamp.attempt != stamp.attempt ||
        raw.stamp.nonce != stamp.nonce)
        return not_ours(block, "was left there by attempt " + std::to_string(raw.stamp.generation) +
                                   "-" + std::to_string(raw.stamp.attempt) +
                                   ", and the state is of " + std::to_string(stamp.generation) +
                                   "-" + std::to_string(stamp.attempt));
    SEGUE_ASSIGN(const state::Digest samples, sample(block));
    if (samples != raw.samples)
        return not_ours(block, "is not what it was when it was stamped");
    return {};
}

void clear_stamp(const RamBlock& block) noexcept {
    if (block.stamp == SEGUE_NO_STAMP)
        return;
    const Raw none = {};
    (void)write_beside(block, block.stamp, std::as_bytes(std::span(&none, 1))).ok();
}

} // namespace segue::inventory

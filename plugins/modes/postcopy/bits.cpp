// SPDX-License-Identifier: Apache-2.0
#include "bits.hpp"

#include <algorithm>

#include "wire.hpp"

namespace postcopy {

using namespace segue;

namespace {

constexpr std::uint64_t kPage = 4096;

} // namespace

Status send_bits(const UpdateChannel& to, const Outstanding& pages,
                 const std::vector<segue_block>& blocks) {
    const std::uint64_t n = pages.left();
    SEGUE_TRY(to.send(std::as_bytes(std::span(&n, 1))));
    for (std::uint32_t block = 0; n != 0 && block < blocks.size(); ++block)
        for (auto left = pages.bits(block); !left.empty();) {
            const auto some = left.first(std::min<std::size_t>(left.size(), kBitmapWords));
            SEGUE_TRY(to.send(std::as_bytes(some)));
            left = left.subspan(some.size());
        }
    return {};
}

Result<std::uint64_t> receive_bits(const UpdateChannel& from,
                                   const std::vector<segue_block>& blocks,
                                   const std::function<Status(const Bits&)>& use) {
    std::uint64_t n = 0;
    SEGUE_TRY(from.recv(std::as_writable_bytes(std::span(&n, 1))));
    std::vector<std::uint64_t> bits(kBitmapWords);
    for (std::uint32_t block = 0; n != 0 && block < blocks.size(); ++block) {
        const std::uint64_t words = (blocks[block].bytes / kPage + 63) / 64;
        for (std::uint64_t at = 0; at < words; at += kBitmapWords) {
            const auto some = std::span(bits).first(std::min(words - at, kBitmapWords));
            SEGUE_ASSIGN(const std::uint64_t got, from.recv(std::as_writable_bytes(some)));
            if (got != some.size_bytes())
                return Error(Code::Corrupt, "the list of pages that are to come is cut short");
            SEGUE_TRY(use({block, at * 64, some}));
        }
    }
    return n;
}

} // namespace postcopy

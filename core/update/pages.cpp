// SPDX-License-Identifier: Apache-2.0
#include "core/update/pages.hpp"

#include <array>
#include <cstring>

namespace segue::update {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPiece = (4u << 20) / kPage;

// The run's memory, or an error where it is not one that this update moves.
Result<std::span<std::byte>> run_of(Session& s, const segue_pages& p) {
    const auto& blocks = s.inventory.blocks();
    if (p.block >= blocks.size() || p.block >= s.ram_of_block.size())
        return Error(Code::Corrupt,
                     "a page run of block " + std::to_string(p.block) + ", which does not exist");
    const inventory::RamBlock& b = blocks[p.block];
    const std::uint64_t pages = b.bytes / kPage;
    if (p.n > pages || p.first > pages - p.n)
        return Error(Code::Corrupt, "a page run beyond the end of block " + b.id)
            .with("block", b.id);
    if ((s.ram_of_block[p.block] & SEGUE_RAM_IN_PLACE) != 0)
        return Error(Code::Corrupt, "a page run of block " + b.id + ", which stays in place")
            .with("block", b.id);
    return b.map.span().subspan(p.first * kPage, p.n * kPage);
}

} // namespace

segue_block as_abi(const inventory::RamBlock& b) {
    segue_block out = {};
    out.size = sizeof out;
    out.page_shift = b.page_shift;
    out.fd = b.fd.get();
    out.map_flags = b.map_flags;
    out.offset = b.offset;
    out.bytes = b.bytes;
    out.stamp = SEGUE_NO_STAMP;
    out.survives = b.survives;
    out.name = b.id.c_str();
    return out;
}

Status put_pages(Session& s, Channel& ch, const segue_pages& pages) {
    if (pages.n == 0)
        return ch.send(Frame::Pages, std::as_bytes(std::span(&pages, 1)), {}, s.wait());
    for (std::uint64_t at = 0; at < pages.n;) {
        segue_pages piece = pages;
        piece.first += at;
        piece.n = pages.n - at < kPiece ? pages.n - at : kPiece;
        SEGUE_ASSIGN(const auto bytes, run_of(s, piece));
        const bool zero = (piece.flags & SEGUE_PAGES_ZERO) != 0;
        const std::array<segue_iov, 2> pieces = {
            {{&piece, sizeof piece}, {bytes.data(), zero ? 0 : bytes.size()}}};
        SEGUE_TRY(ch.send(Frame::Pages, pieces, {}, s.wait()));
        s.ram_bytes += zero ? 0 : bytes.size();
        at += piece.n;
    }
    return {};
}

Status get_pages(Session& s, Channel& ch, segue_pages& pages) {
    SEGUE_ASSIGN(const FrameHeader h,
                 ch.expect(Frame::Pages, sizeof pages + kPiece * kPage, s.wait()));
    if (h.length < sizeof pages)
        return Error(Code::Corrupt, "a page run without its header");
    SEGUE_TRY(ch.receive(std::as_writable_bytes(std::span(&pages, 1)), s.wait()));
    if (pages.n == 0)
        return {};
    SEGUE_ASSIGN(const auto bytes, run_of(s, pages));
    const bool zero = (pages.flags & SEGUE_PAGES_ZERO) != 0;
    if (h.length != sizeof pages + (zero ? 0 : bytes.size()))
        return Error(Code::Corrupt, "a page run of another length than announced");
    if (zero)
        std::memset(bytes.data(), 0, bytes.size());
    else
        SEGUE_TRY(ch.receive(bytes, s.wait()));
    s.ram_bytes += zero ? 0 : bytes.size();
    s.received.at(pages.block).mark(pages.first, pages.n);
    return {};
}

Status all_received(const Session& s) {
    for (std::size_t i = 0; i < s.received.size(); ++i) {
        const std::uint32_t ram = s.ram_of_block.at(i);
        if ((ram & (SEGUE_RAM_IN_PLACE | SEGUE_RAM_AFTER)) != 0)
            continue;
        const std::uint64_t missing = s.received[i].missing();
        if (missing != 0)
            return Error(Code::Refused, std::to_string(missing) + " pages of RAM block " +
                                            s.inventory.blocks()[i].id + " have not come")
                .way_out("the mode plugin is at fault: use another mode and tell its author")
                .with("block", s.inventory.blocks()[i].id);
    }
    return {};
}

} // namespace segue::update

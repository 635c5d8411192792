// SPDX-License-Identifier: Apache-2.0
#include "core/update/pages.hpp"

#include <array>
#include <cstring>

#include "core/update/filling.hpp"
#include "core/update/progress.hpp"
#include "core/update/zero_pages.hpp"

namespace segue::update {

namespace {

// The run's memory, or an error where it is not one that this update moves.
Result<std::span<std::byte>> run_of(const Session& s, const segue_pages& p) {
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

std::string range_of(const segue_pages& p) {
    const std::string first = std::to_string(p.first);
    return p.n == 1 ? "page " + first
                    : "pages " + first + " to " + std::to_string(p.first + p.n - 1);
}

Error corrupt(const Channel& ch, const std::string& what) {
    return Error(Code::Corrupt, what)
        .way_out("check the disk, the command or the network behind update.channels." + ch.name())
        .with("channel", ch.name());
}

// Names what is lost with a run.
Error corrupt_run(const Session& s, const Channel& ch, const segue_pages& p,
                  const std::string& why) {
    const auto& blocks = s.inventory.blocks();
    const std::string block =
        p.block < blocks.size() ? blocks[p.block].id : std::to_string(p.block);
    return corrupt(ch, range_of(p) + " of RAM block " + block +
                           " did not come as they were sent: " + why)
        .with("block", block)
        .with("pages", range_of(p));
}

Status clear(const Session& s, const segue_pages& p) {
    SEGUE_ASSIGN(const auto bytes, run_of(s, p));
    std::memset(bytes.data(), 0, bytes.size());
    return {};
}

Result<FrameHeader> next_frame(const Session& s, Channel& ch) {
    return ch.next(sizeof(Run) + kRunPages * kPage, s.wait());
}

// Where the run's bytes go in the channel's file, beside the frames; 0: behind its header. A page
// is written there once: what was sent of it since comes later among the frames, and wins.
Result<std::uint64_t> place_for(const Session& s, Channel& ch, const segue_pages& pages) {
    if (run_bytes(pages) == 0 || !ch.wire().seekable())
        return std::uint64_t{0};
    const auto& blocks = s.inventory.blocks();
    ChannelRam& ram = ch.ram();
    if (!ram.places) {
        const std::uint64_t frame = Channel::kHeader + (blocks.size() + 1) * sizeof(std::uint64_t);
        const RamPlaces places(blocks, s.ram_of_block, ch.position() + frame);
        SEGUE_TRY(ch.send(Frame::RamPlaces, std::as_bytes(places.words()), {}, s.wait()));
        ch.seek(places.end());
        ram.places = places;
        for (const inventory::RamBlock& b : blocks)
            ram.placed.emplace_back(b.bytes / kPage);
    }
    ReceivedMap& placed = ram.placed.at(pages.block);
    if (placed.any(pages.first, pages.n))
        return std::uint64_t{0};
    placed.mark(pages.first, pages.n);
    return ram.places->of(pages.block) + pages.first * kPage;
}

// Sends a run of pages that are all zero, or not.
Status put_run(Session& s, Channel& ch, const segue_pages& pages) {
    const auto began = monotonic_now();
    Run run;
    run.pages = pages;
    SEGUE_ASSIGN(const auto memory, run_of(s, pages));
    std::span<const std::byte> bytes = memory.first(run.bytes());
    thread_local std::vector<std::byte> still; // its pages are touched once, not for each run
    if (s.phase == report::Phase::Copy) { // the guest runs, and what is sent must fit its checksum
        still.assign(bytes.begin(), bytes.end());
        bytes = still;
    }
    SEGUE_ASSIGN(run.at, place_for(s, ch, pages));
    run.number = ch.ram().totals.runs;
    run.checksum = run.checksum_with(bytes);
    if (run.at != 0)
        SEGUE_TRY(ch.write_at(run.at, bytes, s.wait()));
    const std::array<segue_iov, 2> pieces = {
        {{&run, sizeof run},
         {const_cast<std::byte*>(bytes.data()), run.at != 0 ? 0 : bytes.size()}}};
    SEGUE_TRY(ch.send(Frame::Pages, pieces, {}, s.wait()));
    ch.ram().totals.add(run);
    s.moved();
    s.ram_bytes += bytes.size();
    s.ram_busy_ns += (monotonic_now() - began).count();
    s.ram_channels += run.number == 0 ? 1u : 0u;
    return s.wait().check();
}

// Of a RamBlock or of what the other side says of one.
template <class Block>
segue_block abi_block(const Block& b, int fd) {
    segue_block out = {};
    out.size = sizeof out;
    out.page_shift = b.page_shift;
    out.fd = fd;
    out.map_flags = b.map_flags;
    out.offset = b.offset;
    out.bytes = b.bytes;
    out.stamp = SEGUE_NO_STAMP;
    out.survives = b.survives;
    out.name = b.id.c_str();
    return out;
}

} // namespace

segue_block as_abi(const inventory::RamBlock& b) {
    return abi_block(b, b.fd.get());
}

std::vector<segue_block> as_abi(const std::vector<inventory::RamBlock>& blocks) {
    std::vector<segue_block> all;
    all.reserve(blocks.size());
    for (const inventory::RamBlock& b : blocks)
        all.push_back(as_abi(b));
    return all;
}

std::vector<segue_block> as_abi(const std::vector<inventory::BlockFacts>& blocks) {
    std::vector<segue_block> all;
    all.reserve(blocks.size());
    for (const inventory::BlockFacts& b : blocks)
        all.push_back(abi_block(b, -1));
    return all;
}

Status put_pages(Session& s, Channel& ch, const segue_pages& pages) {
    if (pages.n == 0)
        return ch.send(Frame::RamEnd, std::as_bytes(std::span(&ch.ram().totals, 1)), {}, s.wait());
    SEGUE_TRY(run_of(s, pages));
    if ((pages.flags & SEGUE_PAGES_ZERO) != 0)
        return put_run(s, ch, pages);
    ZeroPages all(s.inventory.blocks()[pages.block], pages);
    while (const auto run = all.next())
        SEGUE_TRY(put_run(s, ch, *run));
    return {};
}

Result<Run> receive_run(const Session& s, Channel& ch, const FrameHeader& frame, const Room& room) {
    Run run;
    if (frame.length < sizeof run)
        return corrupt(ch, "a page run without its header");
    SEGUE_TRY(ch.receive(std::as_writable_bytes(std::span(&run, 1)), s.wait()));
    const auto wrong = [&](const std::string& why) { return corrupt_run(s, ch, run.pages, why); };
    if (run.number != ch.ram().totals.runs)
        return wrong("this is run " + std::to_string(run.number) + " where " +
                     std::to_string(ch.ram().totals.runs) + " was due");
    if (run.pages.block >= s.inventory.blocks().size())
        return wrong("there is no such block");
    if (run.pages.n == 0 || ((run.pages.flags & SEGUE_PAGES_ZERO) == 0 && run.pages.n > kRunPages))
        return wrong("a run never has that many");
    if (frame.length != sizeof run + (run.at != 0 ? 0 : run.bytes()))
        return wrong("the run is of another length than announced");
    const std::optional<RamPlaces>& places = ch.ram().places;
    if (run.at != 0 && (!places || run.at != places->of(run.pages.block) + run.pages.first * kPage))
        return wrong("they lie where they cannot");
    auto memory = room(run);
    if (!memory)
        return wrong(memory.error().what());
    if (memory->size() >= run.bytes()) {
        const auto bytes = memory->first(run.bytes());
        SEGUE_TRY(run.at != 0 ? ch.read_at(run.at, bytes, s.wait()) : ch.receive(bytes, s.wait()));
        if (run.checksum != run.checksum_with(bytes))
            return wrong("they do not match their checksum");
    }
    ch.ram().totals.add(run);
    return run;
}

Status receive_places(const Session& s, Channel& ch, const FrameHeader& frame) {
    const auto& blocks = s.inventory.blocks();
    std::vector<std::uint64_t> words(blocks.size() + 1);
    if (frame.length != words.size() * sizeof words[0] || !ch.wire().seekable())
        return corrupt(ch, "RAM is said to lie beside the frames, and cannot");
    SEGUE_TRY(ch.receive(std::as_writable_bytes(std::span(words)), s.wait()));
    auto places = RamPlaces::read(words, blocks, ch.position());
    if (!places)
        return corrupt(ch, places.error().what());
    ch.seek(places->end());
    ch.ram().places = std::move(*places);
    return {};
}

Status receive_totals(const Session& s, Channel& ch, const FrameHeader& frame) {
    RunTotals sent;
    if (frame.length != sizeof sent)
        return corrupt(ch, "a RAM trailer of another length than it has");
    SEGUE_TRY(ch.receive(std::as_writable_bytes(std::span(&sent, 1)), s.wait()));
    const RunTotals& came = ch.ram().totals;
    if (sent == came)
        return {};
    const auto text = [](const RunTotals& t) {
        return std::to_string(t.pages) + " pages in " + std::to_string(t.runs) + " runs";
    };
    return corrupt(ch, "the RAM that came does not match its trailer: " + text(sent) +
                           " were sent, " + text(came) + " came" +
                           (sent.digest == came.digest ? "" : ", with another digest"));
}

Status drop_pages(const Session& s, const segue_pages& pages) {
    SEGUE_TRY(run_of(s, pages));
    return s.inventory.blocks()[pages.block].drop(pages.first * kPage, pages.n * kPage);
}

namespace {

// A page that is not there stops whoever writes to it, this thread too: it comes whole.
Status get_aside(Session& s, Channel& ch, const FrameHeader& frame, segue_pages& pages) {
    thread_local std::vector<std::byte> aside; // its pages are touched once, not for each run
    const Room room = [&s](const Run& r) -> Result<std::span<std::byte>> {
        SEGUE_TRY(run_of(s, r.pages));
        if (aside.size() < r.bytes())
            aside.resize(r.bytes());
        return std::span(aside);
    };
    SEGUE_ASSIGN(const Run run, receive_run(s, ch, frame, room));
    s.moved();
    pages = run.pages;
    s.ram_bytes += run.bytes();
    return s.filling->take(pages, std::span(aside).first(run.bytes()));
}

} // namespace

Status get_pages(Session& s, Channel& ch, segue_pages& pages) {
    pages = {};
    SEGUE_ASSIGN(FrameHeader h, next_frame(s, ch));
    if (h.type == Frame::RamPlaces) {
        SEGUE_TRY(receive_places(s, ch, h));
        SEGUE_ASSIGN(h, next_frame(s, ch));
    }
    if (h.type == Frame::RamEnd)
        return receive_totals(s, ch, h);
    if (h.type != Frame::Pages)
        return ch.unexpected(h, Frame::Pages);
    if (s.filling != nullptr && s.filling->armed())
        return get_aside(s, ch, h, pages);
    const Room in_block = [&s](const Run& r) { return run_of(s, r.pages); };
    SEGUE_ASSIGN(const Run run, receive_run(s, ch, h, in_block));
    pages = run.pages;
    ReceivedMap& received = s.received.at(pages.block);
    // A page that nothing was received for is zero, and stays a hole.
    if (run.bytes() == 0 && received.any(pages.first, pages.n))
        SEGUE_TRY(clear(s, pages));
    s.ram_bytes += run.bytes();
    received.mark(pages.first, pages.n);
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

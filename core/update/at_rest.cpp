// SPDX-License-Identifier: Apache-2.0
#include "core/update/at_rest.hpp"

#include <algorithm>
#include <array>

namespace segue::update {

namespace {

Error differs(const char* what) {
    return Error(Code::Corrupt,
                 std::string("what was written on channel main does not read back: ") + what)
        .way_out("check the disk or the command behind update.channels.main")
        .with("channel", "main");
}

// Reads `left` bytes and forgets them.
Status skip(Channel& ch, std::uint64_t left, const Waiter& wait) {
    std::array<std::byte, 65536> buffer;
    while (left != 0) {
        const std::size_t here = std::min<std::uint64_t>(left, buffer.size());
        SEGUE_TRY(ch.receive(std::span(buffer).first(here), wait));
        left -= here;
    }
    return {};
}

Status compare_state(Channel& ch, std::span<const std::byte> written, const Waiter& wait) {
    for (;;) {
        SEGUE_ASSIGN(const FrameHeader h, ch.next(kMaxState, wait));
        if (h.type != Frame::State) {
            SEGUE_TRY(skip(ch, h.length, wait));
            continue;
        }
        std::vector<std::byte> bytes(h.length);
        SEGUE_TRY(ch.receive(bytes, wait));
        if (!std::equal(bytes.begin(), bytes.end(), written.begin(), written.end()))
            return differs("the state");
        return {};
    }
}

} // namespace

Status read_back(Attempt& a) {
    const Waiter wait = a.session.wait();
    SEGUE_ASSIGN(Channel * main, a.session.channel("main", 0));
    SEGUE_TRY(main->finish(SEGUE_FINISH_SEAL, wait));
    Session reader(Side::Incoming, a.ctx.inventory,
                   [&a](const std::string& name) { return a.ctx.plugins.transport(name); });
    reader.deadline = a.session.deadline.load();
    reader.cancel_fd = a.session.cancel_fd;
    reader.needs = a.session.needs;
    auto manifest = reader.receive_manifest();
    if (!manifest)
        return std::move(manifest).error().while_doing("read channel main back");
    if (!std::equal(manifest->begin(), manifest->end(), a.manifest_bytes.begin(),
                    a.manifest_bytes.end()))
        return differs("the machine manifest");
    SEGUE_ASSIGN(Channel * back, reader.channel("main", 0));
    return compare_state(*back, a.session.state_out, wait);
}

Status stamp_blocks(Attempt& a) {
    const inventory::Stamp stamp{a.ctx.guest.uuid, a.ctx.guest.generation, a.number,
                                 a.session.agreed.nonce};
    for (std::size_t i = 0; i < a.ctx.inventory.blocks().size(); ++i)
        if ((a.session.ram_of_block.at(i) & SEGUE_RAM_IN_PLACE) != 0)
            SEGUE_TRY(inventory::write_stamp(a.ctx.inventory.blocks()[i], stamp));
    return {};
}

Status sync_blocks(Attempt& a) {
    for (std::size_t i = 0; i < a.ctx.inventory.blocks().size(); ++i)
        if ((a.session.ram_of_block.at(i) & SEGUE_RAM_IN_PLACE) != 0)
            SEGUE_TRY(inventory::sync(a.ctx.inventory.blocks()[i]));
    return {};
}

void discard(Attempt& a) noexcept {
    if (Channel* main = a.session.find_open("main", 0))
        (void)main->finish(SEGUE_FINISH_ABORT, Waiter{Deadline::in(std::chrono::seconds(1))}).ok();
}

Status check_stamps(const Session& s, const inventory::Stamp& stamp) {
    for (std::size_t i = 0; i < s.ram_of_block.size(); ++i)
        if ((s.ram_of_block[i] & SEGUE_RAM_IN_PLACE) != 0)
            SEGUE_TRY(inventory::check_stamp(s.inventory.blocks().at(i), stamp));
    return {};
}

void use_up(Session& s) noexcept {
    for (const inventory::RamBlock& block : s.inventory.blocks())
        inventory::clear_stamp(block);
    if (Channel* main = s.find_open("main", 0))
        (void)main->finish(SEGUE_FINISH_ABORT, Waiter{Deadline::in(std::chrono::seconds(1))}).ok();
}

} // namespace segue::update

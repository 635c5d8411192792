// SPDX-License-Identifier: Apache-2.0
#include "core/update/at_rest.hpp"

#include <algorithm>
#include <array>

#include "core/update/pages.hpp"

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

// Everything behind the manifest, to the end of the channel.
class Comparison {
public:
    Comparison(const Session& reader, Channel& back, const Session& writer)
        : reader_(reader)
        , back_(back)
        , written_(writer.state_out) {}

    Status run() {
        for (;;) {
            SEGUE_ASSIGN(const FrameHeader h, back_.next(kMaxState, reader_.wait()));
            if (h.type == Frame::End)
                return back_.ended(h, reader_.wait());
            SEGUE_TRY(frame(h));
        }
    }
    bool has_state() const { return has_state_; }

private:
    Status frame(const FrameHeader& h) {
        switch (h.type) {
        case Frame::State:
            return state(h.length);
        case Frame::Pages:
            return pages(h);
        case Frame::RamPlaces:
            return receive_places(reader_, back_, h);
        case Frame::RamEnd:
            return receive_totals(reader_, back_, h);
        default:
            return skip(back_, h.length, reader_.wait());
        }
    }
    Status state(std::uint64_t length) {
        std::vector<std::byte> bytes(length);
        SEGUE_TRY(back_.receive(bytes, reader_.wait()));
        if (!std::equal(bytes.begin(), bytes.end(), written_.begin(), written_.end()))
            return differs("the state");
        has_state_ = true;
        return {};
    }
    // What lies beside the frames is not read again: that would stop the guest for as long as it
    // took to write it.
    Status pages(const FrameHeader& h) {
        const auto run =
            receive_run(reader_, back_, h, [this](const Run& r) -> Result<std::span<std::byte>> {
                if (r.at != 0)
                    return std::span<std::byte>();
                scratch_.resize(std::max<std::size_t>(scratch_.size(), r.bytes()));
                return std::span(scratch_);
            });
        return run ? Status() : run.error();
    }

    const Session& reader_;
    Channel& back_;
    std::span<const std::byte> written_;
    std::vector<std::byte> scratch_; // of one run
    bool has_state_ = false;
};

Status compare(Attempt& a) {
    const Waiter wait = a.session.wait();
    SEGUE_ASSIGN(Channel * main, a.session.channel("main", 0));
    SEGUE_TRY(main->end(wait));
    SEGUE_TRY(main->finish(SEGUE_FINISH_SEAL, wait));
    Session reader(Side::Incoming, a.ctx.inventory, [&a](const std::string& name) {
        return a.ctx.plugins.transport_of(name, a.plan.successor);
    });
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
    Comparison all(reader, *back, a.session);
    SEGUE_TRY(all.run());
    if (!all.has_state())
        return differs("the state");
    return back->ram().totals == main->ram().totals ? Status() : differs("the RAM");
}

} // namespace

Status read_back(Attempt& a) {
    Status s = compare(a);
    if (s.code() != Code::Closed)
        return s;
    // An end that comes too early is the state's, and no end of the other process.
    return differs(s.error().what().c_str());
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

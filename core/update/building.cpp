// SPDX-License-Identifier: Apache-2.0
// building.cpp - of an incoming update: what the other side describes is understood, checked, and
// built beside the guest that still runs.
#include <unistd.h>

#include "core/base/version.hpp"
#include "core/inventory/ram.hpp"
#include "core/state/inspect.hpp"
#include "core/update/incoming.hpp"
#include "core/update/pages.hpp"
#include "core/update/passing.hpp"
#include "core/update/preflight.hpp"

namespace segue::update {

using report::Phase;

namespace {

constexpr std::size_t kStateReserve = 1u << 20;

} // namespace

Status Incoming::take_manifest() {
    SEGUE_ASSIGN(manifest_bytes_, origin_->manifest(session_));
    SEGUE_ASSIGN(manifest_, state::Reader::parse(manifest_bytes_));
    header_ = manifest_->header();
    SEGUE_ASSIGN(hello_, read_hello(*manifest_));
    SEGUE_ASSIGN(session_.facts, inventory::read(*manifest_));
    s_.guest.uuid = header_.guest;
    progress_.change([this](report::UpdateRecord& r) {
        r.id = std::to_string(header_.generation) + "-" + std::to_string(header_.attempt);
        r.guest = state::format_uuid(header_.guest);
        r.mode = hello_.mode;
        r.from_version = hello_.version;
        r.from_pid = hello_.pid;
        r.to_version = version();
        r.to_pid = ::getpid();
        r.from_generation = header_.generation;
        r.attempt = header_.attempt;
    });
    s_.guest.generation = header_.generation + 1;
    return {};
}

// Everything that needs no more than the manifest and this side's configuration.
Status Incoming::understand() {
    SEGUE_TRY(take_manifest());
    session_.peer_pidfd = origin_->peer_pidfd();
    session_.agreed = {0, hello_.arbiter, hello_.budget_us, hello_.nonce};
    SEGUE_ASSIGN(plugin::Mode mode,
                 s_.plugins.mode(hello_.mode, Side::Incoming, services_.tables()));
    mode_.emplace(std::move(mode));
    SEGUE_ASSIGN(session_.agreed.wire_rev,
                 agree_wire(hello_.wire_rev_min, hello_.wire_rev, mode_->wire_rev_min(),
                            mode_->wire_rev(), hello_.mode));
    for (const inventory::BlockFacts& b : session_.facts.blocks)
        session_.ram_of_block.push_back(b.ram);
    SEGUE_ASSIGN(plan_, mode_->plan(as_abi(session_.facts.blocks)));
    if (plan_.ram_of_block != session_.ram_of_block)
        return Error(Code::Refused,
                     "mode/" + hello_.mode + " plans RAM differently on the two sides")
            .way_out("both sides must configure update.options." + hello_.mode + " alike")
            .with("plugin", "mode/" + hello_.mode);
    SEGUE_TRY(fits(hello_, plan_, s_.guest.identity));
    session_.needs = plan_.channels;
    if ((plan_.needs & SEGUE_NEEDS_USERFAULT) != 0)
        SEGUE_TRY(s_.userfault.check());
    if ((plan_.needs & SEGUE_NEEDS_KEEPER) != 0) {
        SEGUE_ASSIGN(plugin::Keeper keeper, s_.plugins.keeper(s_.exec_fds.table()));
        keeper_.emplace(std::move(keeper));
        session_.keep = [this] { return take_inventory(session_, *keeper_); };
    }
    return {};
}

Welcome Incoming::welcome() const {
    return {version(), ::getpid(), session_.agreed.wire_rev};
}

Status Incoming::check() {
    const auto all = [this]() -> Status {
        SEGUE_TRY(understand());
        SEGUE_TRY(check_channels(s_.plugins, hello_, plan_, s_.guest.resting_place));
        for (const inventory::BlockFacts& b : session_.facts.blocks) {
            SEGUE_ASSIGN(plugin::Memory * memory, s_.plugins.memory(b.id));
            if ((b.ram & SEGUE_RAM_IN_PLACE) == 0 && plan_.successor == SEGUE_SUCCESSOR_PEER)
                SEGUE_TRY(memory->check(b.bytes)); // beside what the running guest has
            SEGUE_ASSIGN(inventory::RamBlock room, inventory::stand_in(b.id, b.bytes));
            SEGUE_TRY(s_.inventory.add(std::move(room)));
        }
        SEGUE_TRY(mode_->check());
        SEGUE_TRY(s_.machine.check(*manifest_, s_.inventory));
        SEGUE_TRY(manifest_->all_taken());
        return origin_->welcome(welcome(), session_.wait());
    };
    Status s = all();
    if (!s)
        origin_->refuse(s.error());
    return s;
}

Status Incoming::prepare() {
    enter(Phase::Prepare);
    SEGUE_TRY(understand());
    SEGUE_ASSIGN(s_.ownership, origin_->ownership(header_));
    if (s_.ownership->guest() != header_.guest)
        return Error(Code::Refused, "the ownership record is of another guest");
    s_.ownership->set_candidate(ProcessId::self());
    if (plan_.successor != SEGUE_SUCCESSOR_LATER) // else they are opened where they rest
        SEGUE_TRY(session_.listen());
    else if (origin_->peer_pidfd() >= 0) // a holder: the guest runs, and stays where it is if not
        SEGUE_TRY(check_channels(s_.plugins, hello_, plan_, s_.guest.resting_place));
    SEGUE_TRY(origin_->welcome(welcome(), session_.wait()));
    SEGUE_TRY(mode_->prepare());
    return build();
}

// A block that stays in place comes by its descriptor, or from where it persists; the others are
// made here.
Result<inventory::RamBlock> Incoming::block(std::size_t i) {
    const inventory::BlockFacts& b = session_.facts.blocks[i];
    SEGUE_ASSIGN(plugin::Memory * memory, s_.plugins.memory(b.id));
    if ((b.ram & SEGUE_RAM_IN_PLACE) == 0) {
        const std::string& backend = memory->name(); // "memory/..."
        return inventory::make_block(*memory, b.id, backend.substr(backend.find('/') + 1), b.bytes);
    }
    if (session_.block_fds[i])
        return inventory::adopt_block(*memory, b.id, b.backend, std::move(session_.block_fds[i]),
                                      b.offset, b.bytes);
    if (plan_.successor == SEGUE_SUCCESSOR_LATER)
        return inventory::reopen_block(*memory, b.id, b.backend, b.bytes);
    return Error(Code::Refused, "RAM block " + b.id + " was announced and did not come");
}

Status Incoming::build() {
    Session& s = session_;
    s.block_fds.resize(s.facts.blocks.size());
    for (std::size_t i = 0; i < s.facts.blocks.size(); ++i) {
        auto made = block(i);
        if (!made)
            return std::move(made).error().with("block", s.facts.blocks[i].id);
        s.received.emplace_back(
            (s.facts.blocks[i].ram & SEGUE_RAM_IN_PLACE) != 0 ? 0 : made->bytes / 4096);
        SEGUE_TRY(s_.inventory.add(std::move(*made)));
    }
    if ((plan_.needs & SEGUE_NEEDS_USERFAULT) != 0)
        SEGUE_TRY(prepare_fetch());
    for (const inventory::ItemFacts& item : s.facts.items)
        if (s_.inventory.find(item.name) < 0)
            return Error(Code::Refused,
                         "the descriptor '" + item.name + "' was announced and did not come")
                .with("item", item.name);
    SEGUE_TRY(s_.machine.build(*manifest_, s_.inventory));
    SEGUE_TRY(manifest_->all_taken());
    SEGUE_ASSIGN(devices_, s_.on_built());
    if (origin_->guest_runs()) // else nothing may be tried at its cost
        SEGUE_TRY(s_.machine.rehearse());
    s.state_in.resize(kStateReserve); // touched now, so that the pause touches nothing new
    return make_threads();
}

// Those that act after the commit.
Status Incoming::make_threads() {
    if (filling_)
        SEGUE_TRY(fetcher_.make("fetch", [this] { fetch(); }));
    return retirer_.make("retire", [this] {
        mode_->end(SEGUE_OUTCOME_COMPLETED);
        (void)services_.threads().join(Deadline::never()).ok();
    });
}

Status Incoming::arrive() {
    SEGUE_TRY(origin_->arrive(*s_.ownership, [this] {
        held_at_ = monotonic_now();
        s_.on_hold();
    }));
    return plan_.successor == SEGUE_SUCCESSOR_LATER ? session_.listen() : Status();
}

} // namespace segue::update

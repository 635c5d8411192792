// SPDX-License-Identifier: Apache-2.0
// examine.cpp - the preflight of an outgoing update: everything that stands in its way, not only
// the first thing.
#include "core/base/units.hpp"
#include "core/update/outgoing.hpp"
#include "core/update/pages.hpp"
#include "core/update/passing.hpp"
#include "core/update/preflight.hpp"
#include "core/update/probe.hpp"
#include "core/update/services.hpp"

namespace segue::update {

using report::Phase;

namespace {

constexpr std::chrono::seconds kEnd{2};  // what a mode may take to end
constexpr std::uint32_t kLargePage = 30; // 1 GiB; page_shift

} // namespace

// False: nothing else need be asked.
bool Outgoing::note(Status s) {
    if (s)
        return true;
    const bool over = hung_ || s.code() == Code::Cancelled;
    blockers_.push_back(std::move(s).error());
    return !over;
}

// False: nothing else can be said, without a plan or after a cancel.
bool Outgoing::find_blockers() {
    if (!note(make_plan()) || !blockers_.empty())
        return false;
    (void)note(check_arbiter(attempt_.plan, attempt_.request.mode, attempt_.request.address));
    if (!blockers_.empty())
        return false;
    for (Error& e : check_blocks(ctx_.inventory, attempt_.plan, attempt_.request.mode))
        blockers_.push_back(std::move(e));
    if ((attempt_.plan.needs & SEGUE_NEEDS_DIRTY_LOG) != 0)
        (void)note(ctx_.dirty_log.check());
    if (attempt_.request.elsewhere())
        (void)note(ctx_.machine.check_leaving());
    if ((attempt_.plan.needs & SEGUE_NEEDS_RAM_CONVERT) != 0)
        (void)note(ctx_.ram_converter.check());
    if (!check_channels() || !note(open_keeper()) || !note(hook("check", &plugin::Mode::check)))
        return false;
    auto made = make_successor(attempt_);
    if (!made)
        return note(std::move(made).error());
    successor_ = std::move(*made);
    if (attempt_.request.rehearse && !successor_->can_rehearse())
        return note(
            Error(Code::Refused, "mode/" + attempt_.request.mode +
                                     " cannot be rehearsed: its new VMM and the running one "
                                     "are never there at once")
                .way_out("rehearse by a mode that starts another process, or use --dry-run"));
    return true;
}

Status Outgoing::make_plan() {
    const std::string& mode = attempt_.request.mode;
    SEGUE_TRY(guarded("mode/" + mode, "plan", [&]() -> Status {
        SEGUE_ASSIGN(plugin::Mode made,
                     ctx_.plugins.mode(mode, Side::Outgoing, services_.tables()));
        mode_.emplace(std::move(made));
        SEGUE_ASSIGN(attempt_.plan, mode_->plan(as_abi(ctx_.inventory.blocks())));
        ram_ = attempt_.plan.ram;
        return {};
    }));
    attempt_.session.needs = attempt_.plan.channels;
    attempt_.session.ram_of_block = attempt_.plan.ram_of_block;
    return {};
}

bool Outgoing::check_channels() {
    for (const plugin::ChannelNeed& need : attempt_.plan.channels)
        if (!note(guarded("the transport of channel '" + need.name + "'", "check", [&] {
                return check_channel(ctx_.plugins, attempt_.request.mode, attempt_.plan, need,
                                     attempt_.request.address);
            })))
            return false;
    return true;
}

Status Outgoing::open_keeper() {
    if ((attempt_.plan.needs & SEGUE_NEEDS_KEEPER) == 0)
        return {};
    attempt_.session.keep = [this] { return hold_inventory(attempt_.session, *keeper_); };
    return guarded("the keeper", "its creation", [&]() -> Status {
        SEGUE_ASSIGN(plugin::Keeper keeper, ctx_.plugins.keeper(attempt_.exec_fds.table()));
        keeper_.emplace(std::move(keeper));
        return {};
    });
}

// The new binary, as a child that creates nothing.
Status Outgoing::ask_binary() {
    SEGUE_TRY(describe());
    SEGUE_ASSIGN(const ports::Program program, ctx_.launcher.open(attempt_.request.successor));
    return probe(attempt_, program);
}

std::vector<std::string> Outgoing::warnings() const {
    std::vector<std::string> all = successor_->warnings();
    if ((attempt_.plan.ram & SEGUE_RAM_AFTER) != 0)
        all.emplace_back("the guest may run on the new side before all of its RAM is there; from "
                         "then until it is the guest depends on both VMMs");
    for (std::size_t i = 0; i < attempt_.session.ram_of_block.size(); ++i) {
        const inventory::RamBlock& b = ctx_.inventory.blocks()[i];
        if ((attempt_.session.ram_of_block[i] & SEGUE_RAM_AFTER) != 0 && b.page_shift >= kLargePage)
            all.push_back("RAM block '" + b.id + "' has pages of " +
                          format_size(1ull << b.page_shift) +
                          ": who touches one that has not come waits for all of it, a second at "
                          "1 GiB/s");
    }
    return all;
}

// What the plan says, as far as there is one.
void Outgoing::tell(report::Verdict& v) const {
    for (std::size_t i = 0; i < attempt_.session.ram_of_block.size(); ++i) {
        const inventory::RamBlock& b = ctx_.inventory.blocks()[i];
        v.ram.push_back({b.id, b.backend, b.bytes,
                         (attempt_.session.ram_of_block[i] & SEGUE_RAM_IN_PLACE) != 0});
    }
    if (successor_)
        v.warnings = warnings();
    if ((attempt_.plan.ram & SEGUE_RAM_AFTER) != 0)
        v.phases.insert(v.phases.end() - 1, Phase::Fetch);
    v.to_version = attempt_.progress.snapshot().to_version;
}

// Nothing of the guest, of its record or of its control socket changes.
report::Verdict Outgoing::examine() {
    examining_ = true;
    attempt_.session.deadline = Deadline::in(attempt_.request.deadlines.prepare);
    report::Verdict v;
    v.mode = attempt_.request.mode;
    v.binary = attempt_.request.successor.binary;
    v.from_version = version();
    v.budget = attempt_.request.deadlines.blackout_budget;
    v.phases = {Phase::Preflight, Phase::Prepare, Phase::Copy,  Phase::Pause,
                Phase::Handover,  Phase::Commit,  Phase::Retire};
    if (find_blockers() && !attempt_.request.elsewhere())
        (void)note(ask_binary());
    if (hung_)
        return v; // which nobody reads any more
    tell(v);
    if (mode_) {
        watchdog_.arm(Deadline::in(kEnd), [this] {
            hung_ = true;
            on_hung_("mode/" + attempt_.request.mode, Code::Deadline);
        });
        end(SEGUE_OUTCOME_CANCELLED);
        (void)watchdog_.disarm();
    }
    v.blockers = std::move(blockers_);
    return v;
}

} // namespace segue::update

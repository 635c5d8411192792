// SPDX-License-Identifier: Apache-2.0
#include "core/update/fate.hpp"

#include <segue/cpp/sys.hpp>

#include "core/state/inspect.hpp"
#include "core/update/ownership.hpp"

namespace segue::update {
namespace {

// The record of that very guest, of this boot; nothing otherwise.
std::optional<Ownership> ownership_of(const report::UpdateRecord& record,
                                      const GuestPlaces& places) {
    auto fd = sys::open(places.owner(), O_RDWR | O_NOFOLLOW);
    if (!fd)
        return std::nullopt;
    auto owner = Ownership::adopt(std::move(*fd));
    if (!owner || state::format_uuid(owner->guest()) != record.guest)
        return std::nullopt;
    return std::move(*owner);
}

Error unknown(const report::UpdateRecord& record) {
    return Error(Code::Closed, "no result was written: process " + std::to_string(record.from_pid) +
                                   " died in the update, or the host was restarted")
        .way_out("start the guest anew, if it does not run");
}

// By what was written before it was given away: it may run there.
Error given_away(const report::UpdateRecord& record) {
    return Error(Code::Closed, "no result was written: the guest was given to another host, and "
                               "process " +
                                   std::to_string(record.from_pid) +
                                   " died before it had heard whether it runs there")
        .way_out("look at the other host; where it waits there in doubt: segue resolve NAME --here")
        .with("phase", name_of(report::Phase::Commit));
}

bool may_run_elsewhere(report::SwitchOver s) {
    return s == report::SwitchOver::Relinquished || s == report::SwitchOver::InDoubt ||
           s == report::SwitchOver::ResolvedThere;
}

Error died(const report::UpdateRecord& record, const Ownership& owner, const GuestPlaces& places) {
    const Word word = owner.word();
    const std::string log = "the VMM's log is " + places.log();
    if (word.state == Owner::Offered && word.attempt == record.attempt)
        return Error(Code::Closed, "no result was written: the guest was offered to the next "
                                   "generation, and nobody has taken it")
            .way_out("if it was saved, start it from there; else start it anew: " + log)
            .with("phase", name_of(report::Phase::Commit));
    const bool taken = word.generation > record.from_generation;
    const report::Phase mark = owner.mark().phase;
    const bool known = !taken || mark == report::Phase::Fetch;
    const std::string phase = name_of(known ? mark : report::Phase::Retire);
    return Error(Code::Closed, "no result was written: the owner, process " +
                                   std::to_string(owner.owner().pid) + " of generation " +
                                   std::to_string(word.generation) + ", died in phase " + phase)
        .way_out("the guest ended with it: start it anew; " + log)
        .with("phase", phase);
}

} // namespace

void find_fate(report::UpdateRecord& record, const GuestPlaces& places, bool lives) {
    const auto owner = ownership_of(record, places);
    const bool latest = owner && owner->mark().attempt == record.attempt &&
                        owner->word().generation <= record.from_generation + 1;
    if (latest && lives)
        return;
    if (may_run_elsewhere(record.switch_over))
        record.error = given_away(record);
    else
        record.error = latest ? died(record, *owner, places) : unknown(record);
    record.status = report::UpdateStatus::Failed;
}

} // namespace segue::update

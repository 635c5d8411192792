// SPDX-License-Identifier: Apache-2.0
// fetching.cpp - of an incoming update: the guest runs here, and the rest of its RAM comes.
#include <cerrno>

#include "core/base/log.hpp"
#include "core/base/units.hpp"
#include "core/update/incoming.hpp"
#include "core/update/runs.hpp"

namespace segue::update {

using report::Phase;
using report::UpdateStatus;

namespace {

constexpr std::chrono::seconds kEnd{2}; // what a mode's threads may take

} // namespace

// Threads that fetch are told to end; nobody waits for a page any more.
Incoming::~Incoming() {
    recovery_.give_up();
    session_.end_all();
    await_fetched();
    (void)services_.threads().join(Deadline::in(kEnd)).ok(); // they are in the mode
}

void Incoming::await_fetched() {
    fetcher_.join();
}

report::UpdateRecord Incoming::record() const {
    report::UpdateRecord r = progress_.snapshot();
    if (fetching_)
        r.ram_bytes_left = filling_->missing() * kPage;
    return r;
}

// Of blocks that are mapped by now.
Status Incoming::prepare_fetch() {
    std::vector<std::uint32_t> after;
    for (std::uint32_t i = 0; i < session_.ram_of_block.size(); ++i) {
        if ((session_.ram_of_block[i] & SEGUE_RAM_AFTER) == 0)
            continue;
        const inventory::BlockFacts& there = session_.facts.blocks[i];
        const std::uint32_t here = s_.inventory.blocks()[i].page_shift;
        if (there.page_shift != here)
            return Error(Code::Refused,
                         "RAM block '" + there.id + "' has pages of " +
                             format_size(std::uint64_t{1} << there.page_shift) + " there and of " +
                             format_size(std::uint64_t{1} << here) +
                             " here, and a page that the guest waits for must come whole")
                .way_out("give the block the same backend and page size on both sides, or use a "
                         "mode that copies all of it before the guest runs")
                .with("block", there.id);
        after.push_back(i);
    }
    SEGUE_TRY(s_.userfault.begin(after));
    filling_.emplace(s_.userfault, s_.inventory, session_.received);
    session_.filling = &*filling_;
    return {};
}

// [update]
void Incoming::fetch() {
    const std::uint64_t left = filling_->missing() * kPage;
    progress_.change([&](report::UpdateRecord& r) { r.ram_bytes_left = left; });
    if (left != 0)
        progress_.warn("the guest runs here and depends on both VMMs until " + format_size(left) +
                       " of its RAM have come: if one of them ends before, so does the guest");
    enter(Phase::Fetch);
    session_.reached = [this] {
        recovery_.reached();
        progress_.set(UpdateStatus::PostcopyActive);
    };
    Status s = all_fetched();
    while (s.code() == Code::Paused && !recovery_.given_up() && filling_->missing() != 0)
        s = pause(s.error());
    const Status how = fetched(s);
    fetching_ = false;
    s_.on_fetched(how);
}

Status Incoming::all_fetched() {
    SEGUE_TRY(mode_->fetch());
    if (const std::uint64_t missing = filling_->missing(); missing != 0)
        return Error(Code::Internal, "mode/" + hello_.mode + " returned from fetch, and " +
                                         std::to_string(missing) + " pages have not come")
            .with("plugin", "mode/" + hello_.mode);
    filling_->disarm();
    return {};
}

// The guest runs on; only who needs a page that has not come waits for it.
Status Incoming::pause(const Error& why) {
    session_.end_all();
    SEGUE_TRY(services_.threads().join(Deadline::never()));
    session_.close_channels();
    recovery_.lose();
    progress_.set(UpdateStatus::PostcopyPaused);
    progress_.warn("the connection to the VMM that has the rest of the guest's RAM is lost (" +
                   why.what() +
                   "); the guest waits for what it needs of it. On both hosts: segue "
                   "recover " +
                   s_.guest.name + " --channel TRANSPORT:ADDRESS");
    for (;;) {
        SEGUE_ASSIGN(const std::string address, recovery_.await());
        Status s = fetch_again(address);
        if (s || s.code() == Code::Paused || recovery_.given_up())
            return s;
        log::warn("recover at " + address + ": " + s.error().what());
    }
}

// The address may be the one at which the update came in. That is open as long as the old host may
// come to hear that the guest runs here: it serves both then.
Status Incoming::listen_again(const std::string& address) {
    SEGUE_ASSIGN(plugin::Transport transport, s_.plugins.transport_at(address));
    const bool awaited = !entrance_ && !origin_->heard();
    if (entrance_)
        entrance_->close();
    else if (!awaited)
        origin_->free_address();
    auto listener = transport.listen();
    if (!listener && awaited && listener.error().sys_errno() == EADDRINUSE)
        return {};
    if (!listener)
        return std::move(listener).error();
    entrance_.emplace(std::move(*listener), session_.agreed.nonce);
    session_.entrance = &*entrance_;
    return {};
}

Status Incoming::fetch_again(const std::string& address) {
    SEGUE_TRY(listen_again(address));
    session_.begin_anew(Deadline::never()); // an operator has two commands to give
    if (recovery_.overtaken())
        return Error(Code::Paused, "another address was named, or none will be");
    filling_->tell_again();
    progress_.set(UpdateStatus::PostcopyRecover);
    return all_fetched();
}

// The guest matters more than the update: it is not stopped for a mode that ends badly, once all of
// its RAM is here.
Status Incoming::fetched(const Status& how) {
    const std::uint64_t left = filling_->missing() * kPage;
    progress_.change([&](report::UpdateRecord& r) {
        r.ram_bytes_left = left;
        r.ram_bytes_copied = session_.ram_bytes;
        r.faults = filling_->times();
    });
    if (left == 0) {
        if (!how)
            log::warn("all RAM has come, but the mode says: " + how.error().what());
        filling_->disarm();
        finish();
        return {};
    }
    if (recovery_.given_up()) {
        progress_.warn("the guest ended before " + format_size(left) + " of its RAM had come");
        finish();
        return {};
    }
    const Error lost = Error(Code::Closed, format_size(left) +
                                               " of the guest's RAM were still with the VMM that "
                                               "it came from, and cannot be had any more: " +
                                               how.error().what())
                           .way_out("the guest ended with them: start it anew")
                           .with("phase", name_of(Phase::Fetch));
    progress_.end(UpdateStatus::Failed, lost);
    return lost;
}

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// serving.cpp - of an outgoing update: the guest runs on the other side, which needs this one's
// RAM.
#include "core/base/log.hpp"
#include "core/update/outgoing.hpp"

namespace segue::update {

using report::Phase;
using report::UpdateStatus;

Status Outgoing::switch_now() {
    const std::uint32_t ram = ram_;
    if (ram != 0 && (ram & SEGUE_RAM_AFTER) == 0)
        return Error(Code::Refused, "mode/" + attempt_.request.mode +
                                        " moves no guest before its RAM: there is nothing to "
                                        "switch to")
            .way_out("cancel the update, and ask for one by a mode with 'ram-after': segue plugins")
            .with("plugin", "mode/" + attempt_.request.mode);
    attempt_.session.asked |= SEGUE_ASKED_SWITCH;
    return {};
}

namespace {

constexpr std::chrono::seconds kReach{20}; // the other side listens already

} // namespace

// Nothing can be called off, and no time is too long. On one host the other side tells that it
// fails, as long as it lives.
void Outgoing::fetch() {
    fetching_ = true;
    attempt_.session.cancel_fd = -1;
    attempt_.session.let_go_of_hooks();
    attempt_.session.reached = [this] {
        recovery_.reached();
        attempt_.progress.set(UpdateStatus::PostcopyActive);
    };
    ctx_.run.gone();
    attempt_.enter(Phase::Fetch, Deadline::never());
    if (attempt_.request.elsewhere())
        ctx_.frontend.resume(); // nobody else answers on this host
    fetched_ = mode_->fetch();
    while (fetched_.code() == Code::Paused && !recovery_.given_up())
        fetched_ = fetch_again(fetched_.error());
    if (fetched_)
        return;
    fetched_ = Error(Code::Closed, "not all of the guest's RAM could be given to the VMM that runs "
                                   "it: " +
                                       fetched_.error().what())
                   .way_out("look at the other VMM: the guest ended unless that has all of its RAM")
                   .with("phase", name_of(Phase::Fetch));
    log::error(fetched_.error().what());
}

Status Outgoing::fetch_again(const Error& why) {
    Session& session = attempt_.session;
    session.end_all();
    SEGUE_TRY(services_.threads().join(Deadline::never()));
    session.close_channels();
    recovery_.lose();
    attempt_.progress.set(UpdateStatus::PostcopyPaused);
    attempt_.progress.warn("the connection to the VMM that runs the guest is lost (" + why.what() +
                           "); its RAM is kept here. On both hosts: segue recover " +
                           ctx_.guest.name + " --channel TRANSPORT:ADDRESS");
    auto address = recovery_.await();
    if (!address)
        return std::move(address).error();
    attempt_.again_at = std::move(*address);
    session.begin_anew(Deadline::in(kReach));
    if (recovery_.overtaken())
        return Error(Code::Paused, "another address was named");
    attempt_.progress.set(UpdateStatus::PostcopyRecover);
    return mode_->fetch();
}

void Outgoing::give_up() {
    recovery_.give_up();
    attempt_.session.end_all();
}

} // namespace segue::update

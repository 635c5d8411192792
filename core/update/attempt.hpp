// SPDX-License-Identifier: Apache-2.0
// attempt.hpp - what the steps of one outgoing update share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/version.hpp"
#include "core/update/context.hpp"
#include "core/update/doubt.hpp"
#include "core/update/exec_fds.hpp"
#include "core/update/progress.hpp"
#include "core/update/session.hpp"

namespace segue::update {

// What was asked for, complete: defaults and the configuration are in it already.
struct Request {
    std::string mode;
    ports::SuccessorSpec successor;
    PhaseDeadlines deadlines;
    std::string address = {};          // of a VMM on another host; "": on this one
    bool save = false;                 // the guest is to rest, for a start that somebody makes
    bool rehearse = false;             // all but the change of hands
    std::string key = {}, digest = {}; // as report::UpdateRecord has them

    bool elsewhere() const { return !address.empty(); } // it goes to another host
};

// Made in preflight, gone when the update is over. [update]
struct Attempt {
    Attempt(Context& context, Request asked, std::uint32_t attempt, Progress& log, int cancel)
        : ctx(context)
        , request(std::move(asked))
        , progress(log)
        , number(attempt)
        , session(Side::Outgoing, context.inventory,
                  [this](const std::string& name) {
                      return ctx.plugins.transport_of(name, plan.successor, address());
                  })
        , manifest(header())
        , state(header()) {
        session.cancel_fd = cancel;
        if (request.elsewhere())
            session.agreed.arbiter = SEGUE_ARBITER_HANDSHAKE;
        session.progress = [this](std::uint64_t done, std::uint64_t total) {
            progress.copied(done, total);
        };
        session.throttle = [this](unsigned percent) {
            ctx.run.throttle(percent);
            progress.throttled(percent);
        };
        session.looked = [this](std::uint64_t left) { progress.looked(left, session.sent()); };
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    state::Header header() const {
        state::Header h;
        h.guest = ctx.guest.uuid;
        h.generation = ctx.guest.generation;
        h.attempt = number;
        h.machine = "1";
        h.creator = segue::version();
        return h;
    }
    // Of the other host; "": it is this one.
    const std::string& address() const { return again_at.empty() ? request.address : again_at; }
    // Begins a phase with its deadline.
    void enter(report::Phase phase, Deadline deadline) {
        session.deadline = deadline;
        session.phase = phase;
        ctx.ownership.set_mark({number, phase});
        progress.enter(phase);
    }

    Context& ctx;
    Request request;
    Progress& progress;
    std::string again_at; // where the first connections are lost
    std::uint32_t number; // of this attempt
    Session session;
    plugin::Plan plan;
    Doubt doubt;
    ExecFds exec_fds; // SELF: what the keeper put there
    state::Writer manifest, state;
    std::span<const std::byte> manifest_bytes;
};

} // namespace segue::update

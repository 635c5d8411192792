// SPDX-License-Identifier: Apache-2.0
// origin.hpp - where the guest comes from: a live process, this one before its execve, or a state
// file. The incoming side's view of what Successor is to the outgoing one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/update/hello.hpp"
#include "core/update/ownership.hpp"
#include "core/update/session.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

// The steps in which the kinds differ, in this order. [main]
class Origin {
public:
    virtual ~Origin() = default;
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;

    // The machine manifest as it came, not yet believed. May open "main" in the session.
    virtual Result<std::vector<std::byte>> manifest(Session& session) = 0;
    // The record that says who owns the guest.
    virtual Result<Ownership> ownership(const state::Header& header) = 0;
    // Readable when the other side is dead; -1: there is no other side.
    virtual int peer_pidfd() const { return -1; }
    // The guest still runs on the other side, else it stands still and waits for its state.
    virtual bool guest_runs() const { return peer_pidfd() >= 0; }
    // That is another host: no process of it can be seen, its clock is another.
    virtual bool is_elsewhere() const { return false; }
    virtual Status welcome(const Welcome&, const Waiter&) { return {}; }
    virtual Status ready(const Waiter&) { return {}; }
    // Everything is there but the state: waits until it is, and opens the channels that it rests
    // on. `on_hold`: who comes to the control socket is this side's to answer from now on.
    virtual Status arrive(Ownership&, const std::function<void()>& /*on_hold*/) { return {}; }
    // The last act that can fail: OK means that the guest is ours.
    virtual Status claim(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                         const Waiter& wait) = 0;
    // In a rehearsal, instead of claim(): the state is in; and, compared, it is what it was.
    virtual Status tell(MessageType, const Waiter&) {
        return Error(Code::Unsupported, "nobody is there to rehearse with");
    }
    virtual void running() noexcept {}
    // From another host, once it is claimed: for how long the guest had stood still when this side
    // was told to run it; and who told it to.
    virtual std::chrono::nanoseconds stood_still() const { return {}; }
    virtual report::SwitchOver switched() const { return report::SwitchOver::None; }
    // The other side has heard that the guest runs here, or an operator knows; until then it may
    // come again, to where the update came in.
    virtual bool heard() const { return true; }
    // Whoever has not heard is told no more, and the address is free. [any]
    virtual void free_address() noexcept {}
    // All of the guest is here: no connection of this update is to come any more.
    virtual void finish() noexcept {}
    virtual void refuse(const Error&) noexcept {}

protected:
    Origin() = default;
};

// A process of this host. One of another: arrival.hpp.
std::unique_ptr<Origin> from_peer(Stream stream);
// After execve: `record` came through it.
std::unique_ptr<Origin> from_self(UniqueFd record);
// A state that was left at rest on channel "main"; `owner_path`: the record in the run directory,
// used where it is of this boot, else made anew.
std::unique_ptr<Origin> from_rest(std::string owner_path);

// The same, by a process that the owner started before the pause: it hears over `stream` what will
// be there, and takes it once the owner is gone.
std::unique_ptr<Origin> from_holder(Stream stream);

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
#include "core/update/session.hpp"

#include <algorithm>

#include <segue/abi/transport.h>
#include <segue/cpp/sys.hpp>

namespace segue::update {

namespace {

// The channel that every mode has: the state goes over it.
constexpr const char* kMain = "main";

// For a connection of an update that another host has begun: it makes all of them at once.
constexpr std::chrono::seconds kArrival{15};

// Calls `f` until it has an answer, waiting for `handle` or a little in between.
template <class F, class Ready>
auto until_done(F f, Ready ready, const Waiter& wait) -> decltype(f()) {
    for (;;) {
        auto r = f();
        if (r.code() != Code::Again)
            return r;
        const auto on = ready();
        Status s = on.fd < 0 ? wait.nap(1) : wait.until(on.fd, on.events);
        if (!s)
            return std::move(s).error();
    }
}

} // namespace

Status Session::listen() {
    if (entrance != nullptr)
        return {};
    for (const plugin::ChannelNeed& need : needs) {
        if (listeners_.count(need.name) != 0)
            continue;
        SEGUE_ASSIGN(plugin::Transport t, open_(need.name));
        SEGUE_ASSIGN(plugin::Listener l, t.listen());
        transports_.emplace(need.name, std::move(t));
        listeners_.emplace(need.name, std::move(l));
    }
    return {};
}

Result<plugin::Transport*> Session::outgoing_transport(const std::string& name) {
    const std::lock_guard lock(mutex_);
    auto at = transports_.find(name);
    if (at == transports_.end()) {
        SEGUE_ASSIGN(plugin::Transport t, open_(name));
        at = transports_.emplace(name, std::move(t)).first;
    }
    return &at->second;
}

Result<Channel> Session::open(const std::string& name, std::uint32_t index) {
    Waiter w = wait();
    if (entrance != nullptr) {
        if (phase == report::Phase::Prepare)
            w.deadline = earlier(w.deadline, Deadline::in(kArrival));
        return entrance->take(name, index, w);
    }
    if (side_ == Side::Incoming) {
        const auto at = listeners_.find(name);
        if (at == listeners_.end())
            return Error(Code::NotFound, "no channel '" + name + "' is in the mode's plan");
        plugin::Listener& l = at->second;
        auto wire = until_done([&] { return l.accept(); },
                               [&] { return l.ready(plugin::Direction::Read); }, w);
        if (!wire)
            return std::move(wire).error().with("channel", name);
        Channel ch(std::move(*wire), name);
        SEGUE_TRY(ch.greeted(agreed.nonce, index, w));
        return ch;
    }
    SEGUE_ASSIGN(Channel ch, connect(name, name, index, w));
    if (name == kMain && !lead_in.empty())
        SEGUE_TRY(ch.send(Frame::Manifest, lead_in, {}, w));
    return ch;
}

// `address`: the channel whose transport it is.
Result<Channel> Session::connect(const std::string& address, const std::string& name,
                                 std::uint32_t index, const Waiter& w) {
    SEGUE_ASSIGN(plugin::Transport * transport, outgoing_transport(address));
    plugin::Channel wire;
    const auto ready = [&] {
        return wire ? wire.ready(plugin::Direction::Write) : plugin::Ready{};
    };
    Status s = until_done([&] { return transport->connect(wire); }, ready, w);
    if (!s)
        return std::move(s).error().with("channel", name);
    Channel ch(std::move(wire), name);
    SEGUE_TRY(ch.greet(agreed.nonce, index, w));
    return ch;
}

Result<Stream> Session::connect_engine(const Waiter& w) {
    SEGUE_ASSIGN(Channel ch, connect(needs.front().name, kEngineChannel, 0, w));
    return Stream(std::move(ch));
}

Result<std::vector<std::byte>> Session::receive_manifest() {
    const Waiter w = wait();
    SEGUE_ASSIGN(plugin::Transport t, open_(kMain));
    SEGUE_ASSIGN(plugin::Listener l, t.listen());
    SEGUE_ASSIGN(plugin::Channel wire,
                 until_done([&] { return l.accept(); },
                            [&] { return l.ready(plugin::Direction::Read); }, w));
    auto ch = std::make_unique<Channel>(std::move(wire), kMain);
    SEGUE_TRY(ch->greeted_at_rest(w));
    SEGUE_ASSIGN(const FrameHeader h, ch->expect(Frame::Manifest, kMaxMessage, w));
    std::vector<std::byte> bytes(h.length);
    SEGUE_TRY(ch->receive(bytes, w));
    transports_.emplace(kMain, std::move(t));
    listeners_.emplace(kMain, std::move(l));
    channels_[{kMain, 0}] = std::move(ch);
    rests_ = true;
    return bytes;
}

Status Session::at_end() const {
    Channel* main = rests_ ? find_open(kMain, 0) : nullptr;
    if (main == nullptr)
        return {};
    SEGUE_ASSIGN(const FrameHeader last, main->next(kMaxState, wait()));
    return main->ended(last, wait());
}

Result<Channel*> Session::channel(const std::string& name, std::uint32_t index) {
    const auto need = std::find_if(needs.begin(), needs.end(),
                                   [&](const plugin::ChannelNeed& n) { return name == n.name; });
    if (need == needs.end() || index >= need->count)
        return Error(Code::NotFound, "channel '" + name + "' " + std::to_string(index) +
                                         " is not in the mode's plan");
    {
        const std::lock_guard lock(mutex_);
        if (const auto there = channels_.find({name, index}); there != channels_.end())
            return there->second.get();
    }
    SEGUE_ASSIGN(Channel ch, open(name, index)); // may wait
    const std::lock_guard lock(mutex_);
    auto& slot = channels_[{name, index}];
    slot = std::make_unique<Channel>(std::move(ch));
    stop_listening();
    return slot.get();
}

// Once every channel is here: an address that is still reachable outlives a process that is killed.
void Session::stop_listening() {
    std::size_t all = 0;
    for (const plugin::ChannelNeed& need : needs)
        all += need.count;
    if (channels_.size() == all)
        listeners_.clear();
}

Channel* Session::find(const void* handle) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, ch] : channels_)
        if (ch.get() == handle)
            return ch.get();
    return nullptr;
}

Channel* Session::find_open(const std::string& name, std::uint32_t index) const {
    const std::lock_guard lock(mutex_);
    const auto at = channels_.find({name, index});
    return at == channels_.end() ? nullptr : at->second.get();
}

Status Session::outlast_commit() {
    hooks_ = std::this_thread::get_id();
    SEGUE_ASSIGN(over_, sys::event());
    return {};
}

Sent Session::sent() const {
    return {ram_bytes, std::chrono::nanoseconds(ram_busy_ns), ram_channels};
}

void Session::end_all() const noexcept {
    if (over_)
        sys::signal_event(over_.get());
}

void Session::begin_anew(Deadline until) noexcept {
    sys::clear_event(over_.get());
    anew_until_ = until;
    anew_by_ = std::this_thread::get_id();
    anew_ = true;
}

void Session::clear_addresses() {
    for (const plugin::ChannelNeed& need : needs)
        if (auto t = open_(need.name); t && (t->caps() & SEGUE_TRANSPORT_FDS) != 0)
            (void)t->listen().ok();
}

void Session::close_channels() {
    const std::lock_guard lock(mutex_);
    channels_.clear();
    listeners_.clear();
    transports_.clear();
}

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
#include "core/update/entrance.hpp"

#include <algorithm>

#include "core/base/log.hpp"

namespace segue::update {

namespace {

// Who has connected speaks at once: a stranger who does not keeps the others waiting no longer.
constexpr std::chrono::seconds kGreeting{5};

constexpr int kRetry = 1000; // ms, where the host has no room for one more

} // namespace

Result<plugin::Channel> Entrance::accept(const Waiter& wait) {
    while (listener_) {
        auto wire = listener_.accept();
        if (wire)
            return wire;
        if (wire.code() != Code::Again) { // a stranger's fault, or the host's
            log::warn("where the update comes in: " + wire.error().what());
            SEGUE_TRY(wait.nap(kRetry));
            continue;
        }
        const plugin::Ready on = listener_.ready(plugin::Direction::Read);
        SEGUE_TRY(on.fd < 0 ? wait.nap(1) : wait.until(on.fd, on.events));
    }
    return Error(Code::Closed, "nobody comes in any more");
}

// mutex_ held. What fails is the connection's own, unless the wait is over.
Status Entrance::let_in(const Waiter& wait) {
    SEGUE_ASSIGN(plugin::Channel wire, accept(wait));
    Channel ch(std::move(wire), "of the update");
    const Waiter patience{earlier(wait.deadline, Deadline::in(kGreeting)), wait.cancel_fd};
    const auto greeting = ch.greeted_by_any(patience);
    const Key key{ch.name(), greeting ? greeting->index : 0};
    const bool begins = !nonce_ && key == Key{kEngineChannel, 0};
    if (greeting && begins)
        nonce_ = greeting->nonce;
    if (greeting && nonce_ && greeting->nonce == *nonce_) {
        here_.insert_or_assign(key, std::move(ch));
        return {};
    }
    SEGUE_TRY(wait.check());
    log::warn("somebody else connected to where the update comes in" +
              (greeting ? "" : ": " + greeting.error().what()));
    return {};
}

Result<Channel> Entrance::take(const std::string& name, std::uint32_t index, const Waiter& wait) {
    const std::lock_guard lock(mutex_);
    for (;;) {
        if (auto node = here_.extract(Key{name, index}); !node.empty())
            return std::move(node.mapped());
        if (Status s = let_in(wait); !s)
            return std::move(s).error().with("channel", name);
    }
}

void Entrance::close() {
    const std::lock_guard lock(mutex_);
    listener_.release();
}

Result<Stream> Entrance::engine(const Waiter& wait) {
    SEGUE_ASSIGN(Channel ch, take(kEngineChannel, 0, wait));
    return Stream(std::move(ch));
}

} // namespace segue::update

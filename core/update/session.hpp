// SPDX-License-Identifier: Apache-2.0
// session.hpp - what the services of one mode instance work on: its channels, the inventory, the
// state's bytes, and the phase that says what is allowed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <segue/abi/mode.h>
#include <segue/abi/ram_convert.h>

#include "core/inventory/inventory.hpp"
#include "core/inventory/manifest.hpp"
#include "core/plugin/adapters/mode.hpp"
#include "core/plugin/adapters/transport.hpp"
#include "core/ports/dirty_log.hpp"
#include "core/report/phase.hpp"
#include "core/update/channel.hpp"
#include "core/update/entrance.hpp"
#include "core/update/received.hpp"
#include "core/update/round_meter.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

class Filling;

enum class Side { Outgoing, Incoming };

// A state container is never larger; 64 vCPUs need about 1 MiB.
inline constexpr std::uint64_t kMaxState = 64u << 20;

// What both sides know before the first channel opens.
struct Agreement {
    std::uint32_t wire_rev = 0;
    std::uint32_t arbiter = SEGUE_ARBITER_WORD;
    std::uint64_t budget_us = 0; // 0: none
    Nonce nonce = {};
};

// One update's session on one side. [update, and the mode's own threads, one call a channel]
class Session {
public:
    using OpenTransport = std::function<Result<plugin::Transport>(const std::string& channel)>;

    Session(Side side, inventory::Inventory& all, OpenTransport open)
        : inventory(all)
        , side_(side)
        , open_(std::move(open)) {}

    // Incoming: makes every channel of the plan reachable. Before the outgoing side connects.
    Status listen();
    // Outgoing, to another host: the engine's own connection, at the first channel's address.
    Result<Stream> connect_engine(const Waiter& wait);
    // Incoming, where no peer told it: opens "main" and gives the manifest that stands first on it.
    Result<std::vector<std::byte>> receive_manifest();
    // The channel, opened and greeted at the first call.
    Result<Channel*> channel(const std::string& name, std::uint32_t index);
    // The channel behind a handle that a mode got; nullptr for anything else.
    Channel* find(const void* handle) const;
    // A channel that is open already; nullptr: it is not.
    Channel* find_open(const std::string& name, std::uint32_t index) const;
    // Incoming: what rested on "main" was read to its end; does nothing where a peer wrote it.
    Status at_end() const;
    void close_channels();
    // Outgoing, once the other side is gone for certain: takes what addresses it left and gives
    // them up again. Only of transports that carry descriptors: those of this host have files.
    void clear_addresses();

    Side side() const { return side_; }
    // What the waits of this phase obey.
    Waiter wait() const {
        const auto thread = std::this_thread::get_id();
        if (over_ && thread != hooks_.load())
            return {anew_ && thread == anew_by_.load() ? anew_until_.load() : Deadline::never(),
                    over_.get(), peer_pidfd};
        return {deadline.load(), cancel_fd, peer_pidfd};
    }
    // From now on the mode's own threads go on past the commit: no deadline or cancel that was
    // meant for what is before it reaches them, only the end of all that. By the thread that calls
    // the hooks until then, before the handover's.
    Status outlast_commit();
    void end_all() const noexcept;
    // After the commit: that thread is as the others are.
    void let_go_of_hooks() { hooks_ = std::thread::id(); }
    // Once those have ended, and all channels are closed: others may begin. Until the first run of
    // pages has gone over, or come, this thread waits until then.
    void begin_anew(Deadline until) noexcept;
    // A run of pages has gone over, or come. [update, and the mode's own threads]
    void moved() {
        if (anew_ && anew_.exchange(false))
            reached();
    }

    Agreement agreed;
    inventory::Inventory& inventory;
    inventory::Facts facts; // incoming: what was announced; outgoing: what is sent
    std::vector<std::uint32_t> ram_of_block;
    std::vector<plugin::ChannelNeed> needs; // of the plan
    std::atomic<report::Phase> phase{report::Phase::Preflight};
    std::atomic<Deadline> deadline{Deadline::never()};
    int cancel_fd = -1, peer_pidfd = -1;

    std::span<const std::byte> lead_in; // outgoing: the manifest, first on "main"; empty for a peer
    std::span<const std::byte> state_out; // outgoing, from handover on
    std::vector<std::byte> state_in;      // incoming, once it is whole
    bool state_passed = false, inventory_passed = false;
    std::vector<UniqueFd> block_fds;   // incoming: of RAM that stays in place, until it is adopted
    std::vector<ReceivedMap> received; // incoming: one a block
    std::function<Status()> keep;      // gives the inventory to the keeper, or takes it back
    std::atomic<std::uint64_t> ram_bytes{0}; // moved by put_pages or get_pages
    std::function<void(std::uint64_t, std::uint64_t)> progress;
    std::function<void(std::uint64_t)> looked; // at the dirty log: bytes that are to be sent
    std::function<void(unsigned)> throttle;    // outgoing: the guest's vCPUs, by percent
    std::function<void()> reached;             // by the first run after begin_anew()
    // Of put_pages() up to now.
    Sent sent() const;
    std::atomic<std::int64_t> ram_busy_ns{0};
    // Incoming, from another host: where every connection comes in, instead of listen().
    Entrance* entrance = nullptr;
    Filling* filling = nullptr;            // incoming, where the plan has it
    std::atomic<std::uint32_t> asked{0};   // SEGUE_ASKED_*
    std::atomic<unsigned> ram_channels{0}; // that put_pages() was called for
    ports::DirtyLog* dirty_log = nullptr; // outgoing, from the copy phase on, where the plan has it
    // Outgoing, where the plan has it: by which descriptors blocks cross that have none of their
    // own (else -1), and what moves RAM to them.
    std::vector<int> ram_fds;
    std::function<Result<segue_converted>(std::uint64_t)> convert;

private:
    Result<Channel> open(const std::string& name, std::uint32_t index);
    Result<Channel> connect(const std::string& address, const std::string& name,
                            std::uint32_t index, const Waiter& wait);
    void stop_listening(); // mutex_ held
    Result<plugin::Transport*> outgoing_transport(const std::string& name);

    std::atomic<Deadline> anew_until_{Deadline::never()};
    std::atomic<std::thread::id> anew_by_;
    Side side_;
    UniqueFd over_; // eventfd
    std::atomic<std::thread::id> hooks_;
    std::atomic<bool> anew_{false};
    bool rests_ = false; // "main" was written before this process knew of it
    OpenTransport open_;
    mutable std::mutex mutex_; // of the maps: a mode's threads open and use different channels
    std::map<std::string, plugin::Transport> transports_;
    std::map<std::string, plugin::Listener> listeners_;
    std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<Channel>> channels_;
};

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// update.hpp - the engine's services for a mode, typed: <segue/abi/update.h> and <segue/abi/ram.h>.
//
// Every call is bounded by the phase's deadline and by cancel: a mode only passes errors on.
#pragma once

#include <span>
#include <vector>

#include <segue/abi/ram.h>
#include <segue/abi/update.h>
#include <segue/cpp/host.hpp>

namespace segue {

// One open connection to the other side; owned by the host, may be copied. [one call at a time]
class UpdateChannel {
public:
    UpdateChannel(const segue_host_update* table, void* channel)
        : t_(table)
        , ch_(channel) {}

    // The mode's own bytes: one message a call, at most 1 MiB.
    Status send(std::span<const std::byte> bytes) const {
        const segue_iov iov = {const_cast<std::byte*>(bytes.data()), bytes.size()};
        return Host::call([&](segue_error* e) { return t_->send(t_->h, ch_, &iov, 1, e); });
    }
    // Gives the length of the message.
    Result<std::uint64_t> recv(std::span<std::byte> room) const {
        const segue_iov iov = {room.data(), room.size()};
        std::uint64_t done = 0;
        SEGUE_TRY(
            Host::call([&](segue_error* e) { return t_->recv(t_->h, ch_, &iov, 1, &done, e); }));
        return done;
    }
    Status put_pages(const segue_pages& pages) const {
        return Host::call([&](segue_error* e) { return t_->put_pages(t_->h, ch_, &pages, e); });
    }
    // Says "no more pages".
    Status end_pages() const { return put_pages(segue_pages{}); }
    // The next run, already in its place; n == 0 at the end.
    Result<segue_pages> get_pages() const {
        segue_pages pages = {};
        SEGUE_TRY(Host::call([&](segue_error* e) { return t_->get_pages(t_->h, ch_, &pages, e); }));
        return pages;
    }
    // All runs until the other side says "no more".
    Status get_all_pages() const {
        for (;;) {
            SEGUE_ASSIGN(const segue_pages pages, get_pages());
            if (pages.n == 0)
                return {};
        }
    }
    // Sends, or receives and checks. Phase: prepare.
    Status pass_inventory() const {
        return Host::call([&](segue_error* e) { return t_->pass_inventory(t_->h, ch_, e); });
    }
    // Sends, or receives whole. Phase: handover.
    Status pass_state() const {
        return Host::call([&](segue_error* e) { return t_->pass_state(t_->h, ch_, e); });
    }

private:
    const segue_host_update* t_;
    void* ch_;
};

// What both sides agreed on.
struct Agreed {
    std::uint32_t wire_rev, arbiter;
    std::uint64_t budget_us;
};

// May be copied; lives as long as the mode's instance. [update, and the mode's own threads]
class Update {
public:
    explicit Update(const Host& host)
        : t_(host.service<segue_host_update>(SEGUE_UPDATE_ID)) {}

    Result<Agreed> agreed() const {
        Agreed a = {};
        SEGUE_TRY(Host::call([&](segue_error* e) {
            return t_->agreed(t_->h, &a.wire_rev, &a.arbiter, &a.budget_us, e);
        }));
        return a;
    }
    // To be called in every loop; gives what the engine asks for.
    Result<std::uint32_t> checkpoint() const {
        std::uint32_t asked = 0;
        SEGUE_TRY(Host::call([&](segue_error* e) { return t_->checkpoint(t_->h, &asked, e); }));
        return asked;
    }
    void progress(std::uint64_t done, std::uint64_t total) const {
        t_->progress(t_->h, done, total);
    }
    Result<UpdateChannel> channel(const char* name, std::uint32_t index = 0) const {
        void* ch = nullptr;
        SEGUE_TRY(
            Host::call([&](segue_error* e) { return t_->channel(t_->h, name, index, &ch, e); }));
        return UpdateChannel(t_, ch);
    }
    // Gives the inventory to the keeper, or takes it back.
    Status keep_inventory() const {
        return Host::call([&](segue_error* e) { return t_->keep_inventory(t_->h, e); });
    }

private:
    const segue_host_update* t_;
};

// Guest RAM. May be copied; lives as long as the mode's instance.
class Ram {
public:
    explicit Ram(const Host& host)
        : t_(host.service<segue_host_ram>(SEGUE_RAM_ID)) {}

    // Their fds are borrowed.
    Result<std::vector<segue_block>> blocks() const {
        std::uint32_t n = 0;
        SEGUE_TRY(Host::call([&](segue_error* e) { return t_->blocks(t_->h, nullptr, 0, &n, e); }));
        std::vector<segue_block> list(n);
        for (auto& b : list)
            b.size = sizeof b;
        SEGUE_TRY(
            Host::call([&](segue_error* e) { return t_->blocks(t_->h, list.data(), n, &n, e); }));
        list.resize(n < list.size() ? n : list.size());
        return list;
    }
    // Where block `index` is mapped in this process.
    Result<void*> map(std::uint32_t index) const {
        void* base = nullptr;
        SEGUE_TRY(Host::call([&](segue_error* e) { return t_->map(t_->h, index, &base, e); }));
        return base;
    }

private:
    const segue_host_ram* t_;
};

} // namespace segue

// SPDX-License-Identifier: Apache-2.0
#include "core/update/services.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "core/update/pages.hpp"
#include "core/update/passing.hpp"

namespace segue::update {

namespace {

using report::Phase;

constexpr std::uint64_t kMaxModeMessage = 1u << 20;

Session& session(void* h) {
    return *static_cast<Session*>(h);
}

Status allowed(const Session& s, const char* call, std::initializer_list<Phase> phases) {
    const Phase now = s.phase.load();
    for (const Phase p : phases)
        if (p == now)
            return {};
    return Error(Code::Phase, std::string(call) + " is not allowed in phase " + name_of(now));
}

// Runs `f(session)` and turns its Status, or what it throws, into the ABI's.
template <class F>
segue_status call(void* h, segue_error* e, F f) noexcept {
    try {
        const Status s = f(session(h));
        return s ? SEGUE_OK : s.error().to_abi(e);
    } catch (...) {
        return Error(Code::Internal, "the host is out of memory").to_abi(e);
    }
}

// The same for calls on a channel, in the phases given.
template <class F>
segue_status on_channel(void* h, void* handle, segue_error* e, const char* name,
                        std::initializer_list<Phase> phases, F f) noexcept {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_TRY(allowed(s, name, phases));
        Channel* ch = s.find(handle);
        if (ch == nullptr)
            return Error(Code::Invalid, std::string(name) + ": no such channel");
        return f(s, *ch);
    });
}

segue_status agreed(void* h, std::uint32_t* wire_rev, std::uint32_t* arbiter,
                    std::uint64_t* budget_us, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        *wire_rev = s.agreed.wire_rev;
        *arbiter = s.agreed.arbiter;
        *budget_us = s.agreed.budget_us;
        return {};
    });
}

segue_status checkpoint(void* h, std::uint32_t* asked, segue_error* e) {
    *asked = 0;
    return call(h, e, [](Session& s) { return s.wait().check(); });
}

void progress(void* h, std::uint64_t done, std::uint64_t total) {
    if (session(h).progress)
        session(h).progress(done, total);
}

segue_status channel(void* h, const char* name, std::uint32_t index, void** out, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_TRY(
            allowed(s, "channel", {Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Fetch}));
        SEGUE_ASSIGN(*out, s.channel(name, index));
        return {};
    });
}

segue_status send(void* h, void* handle, const segue_iov* iov, std::uint32_t n, segue_error* e) {
    return on_channel(h, handle, e, "send",
                      {Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Fetch},
                      [&](Session& s, Channel& ch) -> Status {
                          std::uint64_t bytes = 0;
                          for (std::uint32_t i = 0; i < n; ++i)
                              bytes += iov[i].len;
                          if (bytes > kMaxModeMessage)
                              return Error(Code::Invalid, "a mode's message is larger than 1 MiB");
                          return ch.send(Frame::Mode, {iov, n}, {}, s.wait());
                      });
}

segue_status recv(void* h, void* handle, const segue_iov* iov, std::uint32_t n, std::uint64_t* done,
                  segue_error* e) {
    return on_channel(
        h, handle, e, "recv", {Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Fetch},
        [&](Session& s, Channel& ch) -> Status {
            std::uint64_t room = 0;
            for (std::uint32_t i = 0; i < n; ++i)
                room += iov[i].len;
            SEGUE_ASSIGN(const FrameHeader frame, ch.expect(Frame::Mode, room, s.wait()));
            std::uint64_t left = frame.length;
            for (std::uint32_t i = 0; i < n && left != 0; ++i) {
                const std::uint64_t here = left < iov[i].len ? left : iov[i].len;
                SEGUE_TRY(ch.receive({static_cast<std::byte*>(iov[i].base), here}, s.wait()));
                left -= here;
            }
            *done = frame.length;
            return {};
        });
}

segue_status put(void* h, void* handle, const segue_pages* pages, segue_error* e) {
    return on_channel(h, handle, e, "put_pages", {Phase::Copy, Phase::Handover, Phase::Fetch},
                      [&](Session& s, Channel& ch) { return put_pages(s, ch, *pages); });
}

segue_status get(void* h, void* handle, segue_pages* pages, segue_error* e) {
    return on_channel(h, handle, e, "get_pages", {Phase::Copy, Phase::Handover, Phase::Fetch},
                      [&](Session& s, Channel& ch) { return get_pages(s, ch, *pages); });
}

segue_status inventory(void* h, void* handle, segue_error* e) {
    return on_channel(h, handle, e, "pass_inventory", {Phase::Prepare},
                      [](Session& s, Channel& ch) { return pass_inventory(s, ch); });
}

segue_status keep(void* h, segue_error* e) {
    return call(h, e, [](Session& s) -> Status {
        SEGUE_TRY(allowed(s, "keep_inventory", {Phase::Prepare, Phase::Handover}));
        if (!s.keep)
            return Error(Code::Unsupported, "this update has no keeper")
                .way_out("set update.keeper in the configuration");
        return s.keep();
    });
}

segue_status state(void* h, void* handle, segue_error* e) {
    return on_channel(h, handle, e, "pass_state", {Phase::Handover},
                      [](Session& s, Channel& ch) { return pass_state(s, ch); });
}

segue_status blocks(void* h, segue_block* out, std::uint32_t cap, std::uint32_t* n,
                    segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        const auto& all = s.inventory.blocks();
        *n = static_cast<std::uint32_t>(all.size());
        for (std::uint32_t i = 0; i < cap && i < all.size(); ++i)
            out[i] = as_abi(all[i]);
        return {};
    });
}

segue_status map(void* h, std::uint32_t block, void** base, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        if (block >= s.inventory.blocks().size() || !s.inventory.blocks()[block].map)
            return Error(Code::NotFound,
                         "RAM block " + std::to_string(block) + " is not mapped here");
        *base = s.inventory.blocks()[block].base();
        return {};
    });
}

// The log, in the phases in which an outgoing update may have it.
Result<ports::DirtyLog*> dirty_log(const Session& s, const char* name) {
    SEGUE_TRY(allowed(s, name, {Phase::Copy, Phase::Handover}));
    if (s.dirty_log == nullptr)
        return Error(Code::Unsupported, std::string(name) + ": there is no dirty log here")
            .way_out("a mode says in its plan that it needs one, and asks on the outgoing side");
    return s.dirty_log;
}

segue_status look(void* h, std::uint64_t* pages, segue_error* e) {
    *pages = 0;
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_ASSIGN(ports::DirtyLog * log, dirty_log(s, "look"));
        SEGUE_ASSIGN(*pages, log->look());
        return {};
    });
}

segue_status take(void* h, std::uint32_t block, std::uint64_t first, std::uint64_t n,
                  std::uint64_t* bits, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_ASSIGN(ports::DirtyLog * log, dirty_log(s, "take"));
        const auto& all = s.inventory.blocks();
        if (block >= all.size() || first % 64 != 0 || n % 64 != 0 || n > SEGUE_DIRTY_MAX ||
            first > all[block].bytes / kPage)
            return Error(Code::Invalid, "take: pages that no block has, or too many at once");
        return log->take(block, first, {bits, n / 64});
    });
}

segue_status convert(void* h, std::uint64_t copy, segue_converted* done, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_TRY(allowed(s, "convert", {Phase::Copy}));
        if (!s.convert)
            return Error(Code::Unsupported, "convert: no RAM is converted here")
                .way_out("a mode says in its plan that it needs that, and asks on the outgoing "
                         "side");
        SEGUE_TRY(s.wait().check());
        SEGUE_ASSIGN(segue_converted got, s.convert(copy));
        got.size = done->size;
        std::memcpy(done, &got, std::min<std::size_t>(done->size, sizeof got));
        return {};
    });
}

} // namespace

segue_host_update update_service(Session& s) {
    return {&s,   agreed, checkpoint, progress,  channel, send,
            recv, put,    get,        inventory, keep,    state};
}

segue_host_ram ram_service(Session& s) {
    return {&s, blocks, map};
}

segue_host_dirty dirty_service(Session& s) {
    return {&s, look, take};
}

segue_host_ram_convert ram_convert_service(Session& s) {
    return {&s, convert};
}

} // namespace segue::update

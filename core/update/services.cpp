// SPDX-License-Identifier: Apache-2.0
#include "core/update/services.hpp"

#include "core/update/pages.hpp"
#include "core/update/passing.hpp"
#include "core/update/service_call.hpp"

namespace segue::update {

namespace {

using report::Phase;

constexpr std::uint64_t kMaxModeMessage = 1u << 20;
// Of a guest's pages, by threads of the mode also while the engine commits.
constexpr std::initializer_list<Phase> kPages = {Phase::Copy, Phase::Handover, Phase::Commit,
                                                 Phase::Fetch};

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
    *asked = session(h).asked;
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
                      {Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Commit, Phase::Fetch},
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
        h, handle, e, "recv",
        {Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Commit, Phase::Fetch},
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
    return on_channel(h, handle, e, "put_pages", kPages,
                      [&](Session& s, Channel& ch) { return put_pages(s, ch, *pages); });
}

segue_status get(void* h, void* handle, segue_pages* pages, segue_error* e) {
    return on_channel(h, handle, e, "get_pages", kPages,
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

segue_status throttle(void* h, std::uint32_t percent, segue_error* e) {
    return call(h, e, [percent](Session& s) -> Status {
        SEGUE_TRY(allowed(s, "throttle", {Phase::Copy}));
        if (percent > SEGUE_THROTTLE_MAX)
            return Error(Code::Invalid, "throttle: " + std::to_string(percent) + " percent");
        if (!s.throttle)
            return Error(Code::Unsupported, "throttle: the guest does not run on this side");
        s.throttle(percent);
        return {};
    });
}

} // namespace

segue_host_update update_service(Session& s) {
    return {&s,   agreed, checkpoint, progress,  channel, send,
            recv, put,    get,        inventory, keep,    state};
}

segue_host_throttle throttle_service(Session& s) {
    return {&s, throttle};
}

Services::Services(Session& s)
    : update_(update_service(s))
    , ram_(ram_service(s))
    , dirty_(dirty_service(s))
    , ram_convert_(ram_convert_service(s))
    , userfault_(userfault_service(s))
    , throttle_(throttle_service(s)) {}

plugin::ModeServices Services::tables() const {
    return {&update_, &ram_, threads_.table(), &dirty_, &ram_convert_, &userfault_, &throttle_};
}

} // namespace segue::update

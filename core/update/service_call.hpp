// SPDX-License-Identifier: Apache-2.0
// service_call.hpp - how the functions of a mode's tables come to their session, and answer.
#pragma once

#include <initializer_list>
#include <string>

#include "core/update/session.hpp"

namespace segue::update {

inline Session& session(void* h) {
    return *static_cast<Session*>(h);
}

inline Status allowed(const Session& s, const char* call,
                      std::initializer_list<report::Phase> phases) {
    const report::Phase now = s.phase.load();
    for (const report::Phase p : phases)
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

} // namespace segue::update

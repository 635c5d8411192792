// SPDX-License-Identifier: Apache-2.0
// error.hpp - what failed, why, and what to do about it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segue/abi/status.h>

namespace segue {

// The ABI's status codes, as a type.
enum class Code : std::int32_t {
    Ok = SEGUE_OK,
    Again = SEGUE_AGAIN,
    Cancelled = SEGUE_CANCELLED,
    Deadline = SEGUE_DEADLINE,
    Phase = SEGUE_PHASE,
    Paused = SEGUE_PAUSED,
    Refused = SEGUE_REFUSED,
    Invalid = SEGUE_INVALID,
    NotFound = SEGUE_NOT_FOUND,
    Exists = SEGUE_EXISTS,
    Unsupported = SEGUE_UNSUPPORTED,
    Io = SEGUE_IO,
    Closed = SEGUE_CLOSED,
    Corrupt = SEGUE_CORRUPT,
    Internal = SEGUE_INTERNAL,
};

// Stable lower-case names, for reports, journals and exit codes.
constexpr const char* name_of(Code code) {
    constexpr const char* names[] = {
        "ok",        "again",  "cancelled",   "deadline", "phase",  "paused",  "refused", "invalid",
        "not-found", "exists", "unsupported", "io",       "closed", "corrupt", "internal"};
    const auto i = static_cast<std::int32_t>(code);
    return i >= 0 && i < 15 ? names[i] : "internal";
}

// One failure. `what` says what was tried, on what, and why it failed; `way_out` what to do.
// Details are named facts for machines: {"plugin", "transport/unix"}, {"phase", "prepare"}.
class Error {
public:
    Error(Code code, std::string what)
        : code_(code)
        , what_(std::move(what)) {}
    Error(const Error&) = default;
    Error(Error&&) = default;
    // By value: `e = std::move(e).with(...)` assigns to itself, and keeps what it had.
    Error& operator=(Error other) noexcept {
        code_ = other.code_;
        sys_errno_ = other.sys_errno_;
        what_.swap(other.what_);
        way_out_.swap(other.way_out_);
        details_.swap(other.details_);
        return *this;
    }

    // "open /x: No such file or directory"; the code is Io, but NotFound for ENOENT and Exists for
    // EEXIST.
    static Error from_errno(int number, std::string_view tried) {
        const Code code = number == 2 /*ENOENT*/    ? Code::NotFound
                          : number == 17 /*EEXIST*/ ? Code::Exists
                                                    : Code::Io;
        Error e(code, std::string(tried) + ": " + std::strerror(number));
        e.sys_errno_ = number;
        return e;
    }

    // What a C function left in its segue_error.
    static Error from_abi(segue_status status, const segue_error& raw) {
        Error e(status > SEGUE_OK && status <= SEGUE_INTERNAL ? static_cast<Code>(status)
                                                              : Code::Internal,
                raw.what[0] != 0 ? raw.what : "no reason was given");
        e.sys_errno_ = raw.sys_errno;
        e.way_out_ = raw.way_out;
        return e;
    }

    // Fills the caller's struct (NULL is fine) and gives the status to return.
    segue_status to_abi(segue_error* raw) const noexcept {
        if (raw != nullptr) {
            raw->code = static_cast<std::int32_t>(code_);
            raw->sys_errno = sys_errno_;
            copy(raw->what, sizeof raw->what, what_);
            copy(raw->way_out, sizeof raw->way_out, way_out_);
        }
        return static_cast<segue_status>(code_);
    }

    Error&& way_out(std::string text) && {
        way_out_ = std::move(text);
        return std::move(*this);
    }
    Error&& with(std::string key, std::string value) && {
        details_.emplace_back(std::move(key), std::move(value));
        return std::move(*this);
    }
    // For one that is put together again from what another process wrote.
    Error&& with_errno(int number) && {
        sys_errno_ = number;
        return std::move(*this);
    }
    // Says what was being done: "adopt ram0: open /x: No such file or directory".
    Error&& while_doing(std::string_view act) && {
        what_ = std::string(act) + ": " + what_;
        return std::move(*this);
    }

    Code code() const { return code_; }
    int sys_errno() const { return sys_errno_; }
    const std::string& what() const { return what_; }
    const std::string& way_out() const& { return way_out_; }
    const std::vector<std::pair<std::string, std::string>>& details() const { return details_; }
    // The value of one detail, or "".
    std::string detail(std::string_view key) const {
        for (const auto& [k, v] : details_)
            if (k == key)
                return v;
        return {};
    }

private:
    static void copy(char* to, std::size_t room, const std::string& from) noexcept {
        const std::size_t n = from.size() < room ? from.size() : room - 1;
        std::memcpy(to, from.data(), n);
        to[n] = 0;
    }

    Code code_;
    int sys_errno_ = 0;
    std::string what_;
    std::string way_out_;
    std::vector<std::pair<std::string, std::string>> details_;
};

} // namespace segue

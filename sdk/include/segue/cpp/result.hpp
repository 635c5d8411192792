// SPDX-License-Identifier: Apache-2.0
// result.hpp - a value or an Error; no exception crosses a function that returns one.
#pragma once

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

#include <segue/cpp/error.hpp>

namespace segue {

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value)
        : v_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error)
        : v_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return v_.index() == 0; }
    bool ok() const { return v_.index() == 0; }

    T& value() & {
        assert(ok());
        return *std::get_if<0>(&v_);
    }
    const T& value() const& {
        assert(ok());
        return *std::get_if<0>(&v_);
    }
    T&& value() && {
        assert(ok());
        return std::move(*std::get_if<0>(&v_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const& {
        assert(!ok());
        return *std::get_if<1>(&v_);
    }
    Error&& error() && {
        assert(!ok());
        return std::move(*std::get_if<1>(&v_));
    }
    Code code() const { return ok() ? Code::Ok : error().code(); }

private:
    std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error)
        : e_(std::move(error)) {}

    explicit operator bool() const { return !e_; }
    bool ok() const { return !e_; }
    const Error& error() const& {
        assert(e_);
        return *e_;
    }
    Error&& error() && {
        assert(e_);
        return std::move(*e_);
    }
    Code code() const { return e_ ? e_->code() : Code::Ok; }

private:
    std::optional<Error> e_;
};

using Status = Result<void>;

#define SEGUE_CAT2(a, b) a##b
#define SEGUE_CAT(a, b) SEGUE_CAT2(a, b)

// Returns the error of `expr` from the current function, or goes on.
#define SEGUE_TRY(expr)                                                                            \
    do {                                                                                           \
        if (auto segue_try = (expr); !segue_try.ok())                                              \
            return std::move(segue_try).error();                                                   \
    } while (0)

// Declares or assigns `lhs` from the value of `expr`, or returns its error.
#define SEGUE_ASSIGN(lhs, expr) SEGUE_ASSIGN_AS(SEGUE_CAT(segue_result_, __COUNTER__), lhs, expr)
#define SEGUE_ASSIGN_AS(tmp, lhs, expr)                                                            \
    auto tmp = (expr);                                                                             \
    if (!tmp.ok())                                                                                 \
        return std::move(tmp).error();                                                             \
    lhs = std::move(tmp).value()

} // namespace segue

// SPDX-License-Identifier: Apache-2.0
#include "core/base/wait.hpp"

#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

namespace segue {
namespace {

using std::chrono::milliseconds;

TEST(Waiter, EndsByWhatComesFirst) {
    const UniqueFd ready = sys::event(1).value(), silent = sys::event().value();
    Waiter w{Deadline::in(milliseconds(5)), silent.get(), -1};
    EXPECT_TRUE(w.until(ready.get(), POLLIN));
    EXPECT_EQ(w.until(silent.get(), POLLIN).code(), Code::Deadline);
    w.deadline = Deadline::never();
    w.cancel_fd = ready.get();
    EXPECT_EQ(w.until(ready.get(), POLLIN).code(), Code::Cancelled) << "cancel goes first";
    EXPECT_EQ(w.check().code(), Code::Cancelled);
}

TEST(Waiter, WhatThePeerSentBeforeItDiedIsReadFirst) {
    const UniqueFd data = sys::event(1).value(), dead = sys::event(1).value(),
                   silent = sys::event().value();
    const Waiter w{Deadline::never(), -1, dead.get()};
    EXPECT_TRUE(w.until(data.get(), POLLIN));
    EXPECT_EQ(w.until(silent.get(), POLLIN).code(), Code::Closed);
}

TEST(Waiter, ANapEndsByItself) {
    const Waiter w;
    EXPECT_TRUE(w.nap(1));
    EXPECT_TRUE(w.check());
    const Waiter late{Deadline::in(milliseconds(0))};
    EXPECT_EQ(late.nap(1000).code(), Code::Deadline);
}

} // namespace
} // namespace segue

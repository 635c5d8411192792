// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/thread.hpp"

#include <gtest/gtest.h>

#include <new>
#include <optional>
#include <thread>

#include <segue/abi/threads.h>

namespace segue::modes {
namespace {

// A host whose threads have ended once start() returns.
segue_status start(void*, const char*, void (*run)(void*), void* arg, segue_error*) {
    std::thread(run, arg).join();
    return SEGUE_OK;
}
constexpr segue_host_threads kThreads = {nullptr, start};
const void* service(void*, const char*) {
    return &kThreads;
}
constexpr segue_host kHost = {sizeof(segue_host), 0, nullptr, service};

// What a thread tells of its work.
Status told_of(std::function<Status()> work) {
    std::optional<Status> told;
    const Status s = start_thread(Host(&kHost), "work", std::move(work),
                                  [&told](Status how) { told = std::move(how); });
    EXPECT_TRUE(s && told);
    return told.value_or(Error(Code::Internal, "nothing was told"));
}

TEST(ModeThread, TellsHowItsWorkEnded) {
    EXPECT_TRUE(told_of([] { return Status(); }));
    EXPECT_EQ(told_of([]() -> Status { return Error(Code::Closed, "x"); }).code(), Code::Closed);
}

TEST(ModeThread, WhatItsWorkThrowsIsToldToo) {
    const Status s = told_of([]() -> Status { throw std::bad_alloc(); });
    EXPECT_EQ(s.code(), Code::Internal);
    EXPECT_NE(s.error().what().find("out of memory"), std::string::npos) << s.error().what();
}

} // namespace
} // namespace segue::modes

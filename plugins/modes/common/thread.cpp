// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/thread.hpp"

#include <memory>

#include <segue/abi/threads.h>

namespace segue::modes {

namespace {

void enter(void* work) {
    const std::unique_ptr<std::function<void()>> w(static_cast<std::function<void()>*>(work));
    (*w)();
}

} // namespace

Status start_thread(const Host& host, const std::string& name, std::function<void()> work) {
    const auto* threads = host.service<segue_host_threads>(SEGUE_THREADS_ID);
    auto its = std::make_unique<std::function<void()>>(std::move(work));
    SEGUE_TRY(Host::call([&](segue_error* e) {
        return threads->start(threads->h, name.c_str(), enter, its.get(), e);
    }));
    (void)its.release(); // the thread's
    return {};
}

} // namespace segue::modes

// SPDX-License-Identifier: Apache-2.0
// thread.hpp - a thread of the host's that does a piece of a mode's work.
#pragma once

#include <functional>
#include <string>

#include <segue/cpp/host.hpp>

namespace segue::modes {

// `work` runs on it, and then `ended`, which throws nothing, with how that was; the host waits for
// both after end(). `name`: 15 bytes at most.
Status start_thread(const Host& host, const std::string& name, std::function<Status()> work,
                    std::function<void(Status)> ended);

} // namespace segue::modes

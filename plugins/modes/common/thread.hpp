// SPDX-License-Identifier: Apache-2.0
// thread.hpp - a thread of the host's that does a piece of a mode's work.
#pragma once

#include <functional>
#include <string>

#include <segue/cpp/host.hpp>

namespace segue::modes {

// `work` runs on it, and throws nothing; the host waits for it after end(). `name`: 15 bytes at
// most.
Status start_thread(const Host& host, const std::string& name, std::function<void()> work);

} // namespace segue::modes

// SPDX-License-Identifier: Apache-2.0
// converter.hpp - RAM becomes shared memory, piece by piece, while the guest runs.
#pragma once

#include <functional>

#include <segue/cpp/ram_convert.hpp>
#include <segue/cpp/update.hpp>

#include "settings.hpp"

namespace page_flip {

// Until nothing is left, or the engine says stop: then the rest waits for another update. `tell`:
// how many bytes are left, now and then, and 0 at the end. [update]
using Tell = std::function<segue::Status(std::uint64_t left)>;
segue::Status convert_all(const segue::Host& host, const Settings& settings, const Tell& tell);

} // namespace page_flip

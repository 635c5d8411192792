// SPDX-License-Identifier: Apache-2.0
// converter.hpp - strategy "convert": RAM becomes shared memory, piece by piece, while the guest
// runs.
#pragma once

#include <segue/cpp/ram_convert.hpp>
#include <segue/cpp/update.hpp>

#include "settings.hpp"

namespace page_flip {

// Until nothing is left, or the engine says stop: then the rest waits for another update. [update]
segue::Status convert_all(const segue::Host& host, const Settings& settings);

} // namespace page_flip

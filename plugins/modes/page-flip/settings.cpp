// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

namespace page_flip {

using namespace segue;

Result<Settings> Settings::read(const Config& config) {
    SEGUE_ASSIGN(const std::uint64_t stop, config.number("chunk_stop"));
    return Settings{std::chrono::microseconds(stop)};
}

} // namespace page_flip

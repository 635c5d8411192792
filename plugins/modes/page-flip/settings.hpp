// SPDX-License-Identifier: Apache-2.0
// settings.hpp - what an operator may ask of mode "page-flip".
#pragma once

#include <array>
#include <chrono>

#include <segue/cpp/plugin.hpp>

namespace page_flip {

struct Settings {
    std::chrono::microseconds chunk_stop{0}; // to aim at, for each piece of RAM

    static segue::Result<Settings> read(const segue::Config& config);
};

inline constexpr std::array<segue_option, 1> kOptions = {segue::number_option(
    SEGUE_OPTION_DURATION, "chunk_stop", "how long the guest may stand still for each piece", "5ms",
    100, 1'000'000)};

} // namespace page_flip

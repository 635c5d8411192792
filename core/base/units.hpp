// SPDX-License-Identifier: Apache-2.0
// units.hpp - sizes and durations as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <segue/cpp/result.hpp>

namespace segue {

// "512M", "4G", "4096": bytes; suffixes K, M, G, T are powers of 1024.
Result<std::uint64_t> parse_size(std::string_view text);
// "200ms", "10s", "50us", "2m". Exact; a number needs its unit.
Result<std::chrono::microseconds> parse_duration(std::string_view text);

// "512M" where it comes out even, else plain bytes.
std::string format_size(std::uint64_t bytes);
// "1.94 GiB", "0 bytes": for people.
std::string rough_size(std::uint64_t bytes);
// "1.94 ms", "12.0 s": for people.
std::string format_duration(std::chrono::microseconds time);

} // namespace segue

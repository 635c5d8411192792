// SPDX-License-Identifier: Apache-2.0
#include "core/base/units.hpp"

#include <charconv>
#include <cstdio>
#include <limits>

namespace segue {

namespace {

struct Number {
    std::uint64_t value;
    std::string_view unit;
};

Result<Number> split(std::string_view text, const char* example) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{})
        return Error(Code::Invalid, "'" + std::string(text) + "' is not a number with a unit")
            .way_out(std::string("write for example ") + example);
    return Number{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

Result<std::uint64_t> scaled(Number n, std::uint64_t factor, std::string_view text) {
    if (n.value > std::numeric_limits<std::int64_t>::max() / factor)
        return Error(Code::Invalid, "'" + std::string(text) + "' is too large");
    return n.value * factor;
}

} // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    SEGUE_ASSIGN(const Number n, split(text, "\"512M\""));
    constexpr std::string_view suffixes = "KMGT";
    if (n.unit.empty())
        return n.value;
    const auto i = suffixes.find(n.unit.front());
    if (n.unit.size() != 1 || i == std::string_view::npos)
        return Error(Code::Invalid, "'" + std::string(text) + "' has an unknown unit")
            .way_out("use K, M, G or T (powers of 1024)");
    return scaled(n, 1ull << (10 * (i + 1)), text);
}

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
    SEGUE_ASSIGN(const Number n, split(text, "\"200ms\""));
    std::uint64_t factor = 0;
    if (n.unit == "us")
        factor = 1;
    if (n.unit == "ms")
        factor = 1000;
    if (n.unit == "s")
        factor = 1000ull * 1000;
    if (n.unit == "m")
        factor = 60ull * 1000 * 1000;
    if (factor == 0)
        return Error(Code::Invalid, "'" + std::string(text) + "' has an unknown unit")
            .way_out("use us, ms, s or m");
    SEGUE_ASSIGN(const std::uint64_t us, scaled(n, factor, text));
    return std::chrono::microseconds(static_cast<std::int64_t>(us));
}

std::string format_size(std::uint64_t bytes) {
    constexpr const char* suffixes[] = {"", "K", "M", "G", "T"};
    int i = 0;
    while (i < 4 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        ++i;
    }
    return std::to_string(bytes) + suffixes[i];
}

std::string rough_size(std::uint64_t bytes) {
    constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    auto size = static_cast<double>(bytes);
    int i = 0;
    for (; i < 4 && size >= 1024; ++i)
        size /= 1024;
    char text[32];
    std::snprintf(text, sizeof text, i == 0 ? "%.0f %s" : "%.2f %s", size, units[i]);
    return text;
}

std::string format_duration(std::chrono::microseconds time) {
    const auto us = static_cast<double>(time.count());
    char text[32];
    if (us < 1000)
        std::snprintf(text, sizeof text, "%.0f us", us);
    else if (us < 1e6)
        std::snprintf(text, sizeof text, "%.2f ms", us / 1e3);
    else
        std::snprintf(text, sizeof text, "%.2f s", us / 1e6);
    return text;
}

} // namespace segue

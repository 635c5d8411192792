// SPDX-License-Identifier: Apache-2.0
#include "core/config/print.hpp"

#include <algorithm>
#include <cstdio>

#include "core/base/json.hpp"
#include "core/base/units.hpp"
#include "core/base/utf8.hpp"

namespace segue::config {

namespace {

// A JSON string is a TOML basic string too (TOML 1.0, "String").
std::string quote(std::string_view text) {
    return json_quote(text);
}

std::string print_double(double number) {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", number);
    const std::string s = text;
    return s.find_first_of(".en") == s.npos ? s + ".0" : s; // "inf" and "nan" have an n
}

std::string print_duration(std::uint64_t us) {
    struct Unit {
        std::uint64_t us;
        const char* name;
    };
    for (const Unit unit : {Unit{60'000'000, "m"}, Unit{1'000'000, "s"}, Unit{1000, "ms"}})
        if (us != 0 && us % unit.us == 0)
            return std::to_string(us / unit.us) + unit.name;
    return std::to_string(us) + "us";
}

template <class List, class Print>
std::string join(const char* open, const List& list, const char* close, Print print_one) {
    std::string out = open;
    const char* comma = "";
    for (const auto& one : list) {
        out += comma + print_one(one);
        comma = ", ";
    }
    return out + close;
}

std::string print(const Table& table) {
    if (table.entries().empty())
        return "{}";
    return join("{ ", table.entries(), " }",
                [](const Entry& e) { return print_key(e.key) + " = " + config::print(e.value); });
}

} // namespace

std::string print_key(std::string_view key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
    return bare ? std::string(key) : quote(key);
}

std::string brief(std::string text) {
    constexpr std::size_t most = 200;
    if (text.size() <= most)
        return text;
    text.resize(utf8_prefix(std::string_view(text).substr(0, most)));
    return text + "...";
}

std::string print(const Value& value) {
    if (const auto* flag = value.as<bool>())
        return *flag ? "true" : "false";
    if (const auto* number = value.as<std::int64_t>())
        return std::to_string(*number);
    if (const auto* number = value.as<double>())
        return print_double(*number);
    if (const auto* text = value.as<std::string>())
        return quote(*text);
    if (const auto* list = value.as<Array>())
        return join("[", *list, "]", [](const Value& v) { return print(v); });
    return print(*value.as<Table>());
}

std::string print(const Datum& datum, Type type) {
    if (const auto* flag = std::get_if<bool>(&datum))
        return *flag ? "true" : "false";
    if (const auto* number = std::get_if<std::uint64_t>(&datum))
        return type == Type::Size       ? quote(format_size(*number))
               : type == Type::Duration ? quote(print_duration(*number))
                                        : std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&datum))
        return quote(*text);
    if (const auto* list = std::get_if<std::vector<std::string>>(&datum))
        return join("[", *list, "]", [](const std::string& s) { return quote(s); });
    return print(*std::get_if<Table>(&datum));
}

} // namespace segue::config

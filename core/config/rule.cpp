// SPDX-License-Identifier: Apache-2.0
#include "core/config/rule.hpp"

#include <algorithm>
#include <charconv>

#include "core/base/units.hpp"
#include "core/config/print.hpp"

namespace segue::config {

namespace {

std::string shown(std::uint64_t number, Type type) {
    const std::string text = print(Datum(number), type);
    return type == Type::Uint ? text : text.substr(1, text.size() - 2); // without quotes
}

// " from A to B", " of at least A", " of at most B", or nothing.
std::string bounds(const Rule& rule) {
    if (rule.max != 0)
        return rule.min != 0
                   ? " from " + shown(rule.min, rule.type) + " to " + shown(rule.max, rule.type)
                   : " of at most " + shown(rule.max, rule.type);
    return rule.min != 0 ? " of at least " + shown(rule.min, rule.type) : "";
}

bool is_choice(std::string_view text, std::string_view choices) {
    while (!choices.empty()) {
        const auto end = std::min(choices.find('|'), choices.size());
        if (choices.substr(0, end) == text)
            return true;
        choices.remove_prefix(std::min(end + 1, choices.size()));
    }
    return false;
}

bool is_path(std::string_view text) {
    return !text.empty() && text.front() == '/' && text.find('\0') == text.npos;
}

std::optional<Datum> in_bounds(std::uint64_t number, const Rule& rule) {
    if (number < rule.min || (rule.max != 0 && number > rule.max))
        return {};
    return number;
}

std::optional<Datum> read_text(const std::string& text, const Rule& rule) {
    if (rule.type == Type::Size) {
        const auto size = parse_size(text);
        return size ? in_bounds(*size, rule) : std::nullopt;
    }
    if (rule.type == Type::Duration) {
        const auto time = parse_duration(text);
        return time ? in_bounds(static_cast<std::uint64_t>(time->count()), rule) : std::nullopt;
    }
    // A C string takes it further, to a plugin or a system call.
    const bool good = rule.type == Type::Path   ? is_path(text)
                      : rule.type == Type::Name ? is_name(text)
                      : rule.type == Type::Choice
                          ? is_choice(text, rule.choices)
                          : rule.type == Type::String && text.find('\0') == text.npos;
    return good ? std::optional<Datum>(text) : std::nullopt;
}

std::optional<Datum> read_list(const Array& values, const Rule& rule) {
    const bool names = rule.type == Type::Names;
    if (!names && rule.type != Type::Paths)
        return {};
    std::vector<std::string> list;
    for (const Value& v : values) {
        const auto* text = v.as<std::string>();
        if (text == nullptr || !(names ? is_name(*text) : is_path(*text)))
            return {};
        list.push_back(*text);
    }
    return list;
}

} // namespace

bool is_name(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 63 && letter(text.front()) && letter(text.back()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || c == '-'; });
}

std::string expectation(const Rule& rule) {
    switch (rule.type) {
    case Type::Bool:
        return "true or false";
    case Type::Uint:
        return "an integer" + (rule.min + rule.max == 0 ? " of at least 0" : bounds(rule));
    case Type::String:
        return "a string";
    case Type::Path:
        return "an absolute path";
    case Type::Size:
        return "a size such as \"512M\"" + bounds(rule);
    case Type::Duration:
        return "a duration such as \"200ms\"" + bounds(rule);
    case Type::Name:
        return "a name of 1 to 63 letters a-z, digits and inner '-'";
    case Type::Choice: {
        std::string list = rule.choices;
        for (auto i = list.find('|'); i != list.npos; i = list.find('|', i))
            list.replace(i, 1, ", ");
        return "one of " + list;
    }
    case Type::Names:
        return "an array of names";
    case Type::Paths:
        return "an array of absolute paths";
    case Type::Table:
        return "a table";
    }
    return "?";
}

std::string advice(const Rule& rule) {
    switch (rule.type) {
    case Type::Bool:
        return "write true or false, without quotes";
    case Type::Uint:
        return "write the number in digits, without quotes";
    case Type::String:
        return "write text in quotes, without NUL bytes";
    case Type::Path:
    case Type::Paths:
        return "write the whole path, from '/'";
    case Type::Size:
        return "write a string with a number and K, M, G or T";
    case Type::Duration:
        return "write a string with a number and us, ms, s or m";
    case Type::Name:
        return "write it in quotes, such as \"web1\"";
    case Type::Choice:
        return "write one of them in quotes";
    case Type::Names:
        return "write names in quotes: [\"a\", \"b\"]";
    case Type::Table:
        return "write { key = value }";
    }
    return "";
}

std::optional<Datum> read_value(const Value& value, const Rule& rule) {
    if (const auto* table = value.as<config::Table>())
        return rule.type == Type::Table ? std::optional<Datum>(*table) : std::nullopt;
    if (const auto* flag = value.as<bool>())
        return rule.type == Type::Bool ? std::optional<Datum>(*flag) : std::nullopt;
    if (const auto* number = value.as<std::int64_t>()) {
        const bool good = *number >= 0 && rule.type == Type::Uint;
        return good ? in_bounds(static_cast<std::uint64_t>(*number), rule) : std::nullopt;
    }
    if (const auto* text = value.as<std::string>())
        return read_text(*text, rule);
    if (const auto* list = value.as<Array>())
        return read_list(*list, rule);
    return {};
}

std::optional<Datum> read_default(std::string_view text, const Rule& rule) {
    switch (rule.type) {
    case Type::Bool:
        if (text != "true" && text != "false")
            return {};
        return text == "true";
    case Type::Uint: {
        std::uint64_t number = 0;
        const auto* end = text.data() + text.size();
        const auto r = std::from_chars(text.data(), end, number);
        return r.ec == std::errc{} && r.ptr == end ? in_bounds(number, rule) : std::nullopt;
    }
    case Type::Names:
    case Type::Paths:
        return std::vector<std::string>();
    case Type::Table:
        return config::Table();
    default:
        return read_text(std::string(text), rule);
    }
}

} // namespace segue::config

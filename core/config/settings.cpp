// SPDX-License-Identifier: Apache-2.0
#include "core/config/settings.hpp"

#include <algorithm>

#include "core/base/json.hpp"
#include "core/config/print.hpp"

namespace segue::config {

namespace {

bool is_below(std::string_view path, std::string_view parent) {
    return path.size() > parent.size() + 1 && path.substr(0, parent.size()) == parent &&
           path[parent.size()] == '.';
}

// "memory[0]" of "memory[0].size"
std::string_view group_of(std::string_view path) {
    return path.substr(0, path.find('.'));
}

std::string heading(std::string_view group) {
    const auto index = group.find('[');
    if (index == group.npos)
        return "[" + std::string(group) + "]\n";
    return "[[" + std::string(group.substr(0, index)) + "]]\n";
}

// An override may hold anything, a comment of TOML one line.
std::string comment(const std::string& origin) {
    const bool plain = std::all_of(origin.begin(), origin.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
    return " # " + (plain ? origin : json_quote(origin)) + "\n";
}

} // namespace

const Setting* Settings::find(std::string_view path) const {
    const auto it =
        std::find_if(all_.begin(), all_.end(), [&](const Setting& s) { return s.path == path; });
    return it == all_.end() ? nullptr : &*it;
}

void Settings::replace_below(std::string_view path, std::vector<Setting> settings) {
    all_.erase(std::remove_if(all_.begin(), all_.end(),
                              [&](const Setting& s) { return is_below(s.path, path); }),
               all_.end());
    const auto at =
        std::find_if(all_.begin(), all_.end(), [&](const Setting& s) { return s.path == path; });
    all_.insert(at == all_.end() ? at : at + 1, std::make_move_iterator(settings.begin()),
                std::make_move_iterator(settings.end()));
}

bool Settings::has_below(std::string_view path) const {
    return std::any_of(all_.begin(), all_.end(),
                       [&](const Setting& s) { return is_below(s.path, path); });
}

std::string Settings::origin(const Setting& setting) const {
    return setting.place.line == 0 && setting.place.column == 0 ? "default"
                                                                : document_.at(setting.place);
}

Error Settings::wrong(const Setting& setting, std::string_view must_be) const {
    return key_error(document_, setting.place, setting.path,
                     "is " + brief(print(setting.value, setting.rule.type)), must_be)
        .way_out(advice(setting.rule));
}

Error key_error(const Document& document, Place place, std::string_view key, std::string_view found,
                std::string_view must_be) {
    return Error(Code::Invalid, document.at(place) + ": " + std::string(key) + " " +
                                    std::string(found) + ", but must be " + std::string(must_be))
        .with("key", std::string(key))
        .with("expected", std::string(must_be))
        .with("file", document.file)
        .with("line", std::to_string(place.line))
        .with("column", std::to_string(place.column));
}

std::string effective(const Settings& settings) {
    std::vector<std::string_view> groups;
    for (const Setting& s : settings.all())
        if (std::find(groups.begin(), groups.end(), group_of(s.path)) == groups.end())
            groups.push_back(group_of(s.path));
    std::string out;
    for (const std::string_view group : groups) {
        out += (out.empty() ? "" : "\n") + heading(group);
        for (const Setting& s : settings.all())
            if (group_of(s.path) == group &&
                !(s.rule.type == Type::Table && settings.has_below(s.path)))
                out += s.path.substr(group.size() + 1) + " = " + print(s.value, s.rule.type) +
                       comment(settings.origin(s));
    }
    return out;
}

} // namespace segue::config

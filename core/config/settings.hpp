// SPDX-License-Identifier: Apache-2.0
// settings.hpp - a configuration after its check: every key with its value and where that came
// from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config/document.hpp"
#include "core/config/rule.hpp"

namespace segue::config {

struct Setting {
    std::string path; // "guest.name", "memory[0].size", "update.channels.main.transport"
    Rule rule;
    Datum value;
    Place place; // {0, 0}: the default
};

// Plain data, in the order of the schema. Optional keys without a default are absent.
class Settings {
public:
    explicit Settings(Document document)
        : document_(std::move(document)) {}

    const std::vector<Setting>& all() const { return all_; }
    const Setting* find(std::string_view path) const; // nullptr: absent
    const Document& document() const { return document_; }

    // Of a key that has a default or is required; "", 0, {} where it is absent all the same.
    std::string text(std::string_view path) const { return get<std::string>(path); }
    std::uint64_t number(std::string_view path) const { return get<std::uint64_t>(path); }
    std::vector<std::string> list(std::string_view path) const {
        return get<std::vector<std::string>>(path);
    }

    void add(Setting setting) { all_.push_back(std::move(setting)); }
    // Puts `settings` behind the one called `path`, in place of what is below `path`.
    void replace_below(std::string_view path, std::vector<Setting> settings);
    bool has_below(std::string_view path) const;

    // "guest.toml:2:8", "--set guest.vcpus=4" or "default".
    std::string origin(const Setting& setting) const;
    // "FILE:LINE:COLUMN: KEY is VALUE, but must be ...", INVALID, with the rule's advice.
    Error wrong(const Setting& setting, std::string_view must_be) const;

private:
    template <class T>
    T get(std::string_view path) const {
        const Setting* setting = find(path);
        const T* value = setting != nullptr ? std::get_if<T>(&setting->value) : nullptr;
        return value != nullptr ? *value : T{};
    }

    Document document_;
    std::vector<Setting> all_;
};

// An error about one key: what() begins with where it stands; details "key", "file", "line",
// "column", "expected".
Error key_error(const Document& document, Place place, std::string_view key, std::string_view found,
                std::string_view must_be);

// The configuration as TOML that gives the same settings, each with its origin as a comment.
std::string effective(const Settings& settings);

} // namespace segue::config

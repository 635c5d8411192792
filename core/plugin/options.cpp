// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/options.hpp"

#include <charconv>

#include "core/base/nearest.hpp"
#include "core/base/units.hpp"

namespace segue::plugin {

namespace {

Result<std::uint64_t> parse_uint(std::string_view text) {
    std::uint64_t value = 0;
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    if (error != std::errc{} || end != last)
        return Error(Code::Invalid, "'" + std::string(text) + "' is no unsigned number");
    return value;
}

Result<std::uint64_t> parse_number(std::uint32_t type, std::string_view text) {
    if (type == SEGUE_OPTION_SIZE)
        return parse_size(text);
    if (type != SEGUE_OPTION_DURATION)
        return parse_uint(text);
    SEGUE_ASSIGN(const auto time, parse_duration(text));
    return static_cast<std::uint64_t>(time.count());
}

Result<OptionValue> parse(const Option& o, std::string_view text) {
    if (o.type == SEGUE_OPTION_STRING)
        return OptionValue(std::string(text));
    if (o.type == SEGUE_OPTION_PATH) {
        if (text.empty() || text.front() != '/')
            return Error(Code::Invalid, "'" + std::string(text) + "' is no absolute path");
        return OptionValue(std::string(text));
    }
    if (o.type == SEGUE_OPTION_BOOL) {
        if (text != "true" && text != "false")
            return Error(Code::Invalid, "'" + std::string(text) + "' is neither true nor false");
        return OptionValue(text == "true");
    }
    SEGUE_ASSIGN(const std::uint64_t n, parse_number(o.type, text));
    if (n < o.min || (o.max != 0 && n > o.max))
        return Error(Code::Invalid, "'" + std::string(text) + "' is not within " +
                                        std::to_string(o.min) + " to " + std::to_string(o.max));
    return OptionValue(n);
}

// A value of the configuration in the textual form that parse() takes; "" and false where its TOML
// type is not the option's.
bool textual(const Option& o, const config::Value& value, std::string& text) {
    if (const auto* b = value.as<bool>(); b != nullptr && o.type == SEGUE_OPTION_BOOL)
        text = *b ? "true" : "false";
    else if (const auto* i = value.as<std::int64_t>();
             i != nullptr && (o.type == SEGUE_OPTION_UINT || o.type == SEGUE_OPTION_SIZE))
        text = std::to_string(*i);
    else if (const auto* s = value.as<std::string>();
             s != nullptr && o.type != SEGUE_OPTION_BOOL && o.type != SEGUE_OPTION_UINT)
        text = *s;
    else
        return false;
    return text.find('\0') == std::string::npos;
}

std::string about(const Manifest& m, std::string_view key) {
    return "option '" + std::string(key) + "' of " + m.name();
}

Error unknown(const Manifest& m, std::string_view key) {
    std::vector<std::string_view> keys;
    for (const Option& o : m.options)
        keys.push_back(o.key);
    const std::string_view near = nearest(key, keys);
    return Error(Code::Invalid, m.name() + " has no option '" + std::string(key) + "'")
        .way_out(near.empty() ? "'segue plugins describe " + m.name() + "' lists its options"
                              : "did you mean '" + std::string(near) + "'?");
}

const PluginConfig& config_of(const segue_config* c) {
    return *reinterpret_cast<const PluginConfig*>(c);
}

// Finds `key` and asks for its type.
template <class T>
segue_status get(const segue_config* c, const char* key, const T** value) {
    if (c == nullptr || key == nullptr || !config_of(c).knows(key))
        return SEGUE_INVALID;
    const auto i = config_of(c).values().find(key);
    if (i == config_of(c).values().end())
        return SEGUE_NOT_FOUND;
    *value = std::get_if<T>(&i->second);
    return *value != nullptr ? SEGUE_OK : SEGUE_INVALID;
}

segue_status get_text(const segue_config* c, const char* key, const char** value) {
    const std::string* found = nullptr;
    const segue_status s = get(c, key, &found);
    if (s == SEGUE_OK)
        *value = found->c_str();
    return s;
}

segue_status get_number(const segue_config* c, const char* key, std::uint64_t* value) {
    const std::uint64_t* found = nullptr;
    const segue_status s = get(c, key, &found);
    if (s == SEGUE_OK)
        *value = *found;
    return s;
}

segue_status get_flag(const segue_config* c, const char* key, std::uint32_t* value) {
    const bool* found = nullptr;
    const segue_status s = get(c, key, &found);
    if (s == SEGUE_OK)
        *value = *found ? 1 : 0;
    return s;
}

constexpr segue_host_config table = {get_text, get_number, get_flag};

} // namespace

const segue_host_config* config_service() {
    return &table;
}

Result<PluginConfig> PluginConfig::defaults(const Manifest& manifest) {
    PluginConfig c(manifest);
    for (const Option& o : manifest.options)
        if (o.preset)
            SEGUE_TRY(c.set(o.key, *o.preset));
    return c;
}

Result<PluginConfig> PluginConfig::from(const Manifest& manifest, const config::Document& doc,
                                        const config::Table& given) {
    SEGUE_ASSIGN(PluginConfig c, defaults(manifest));
    for (const config::Entry& e : given.entries())
        SEGUE_TRY(c.put(doc, e));
    return c;
}

Status PluginConfig::put(const config::Document& doc, const config::Entry& entry) {
    const Option* o = manifest_->option(entry.key);
    if (o == nullptr)
        return unknown(*manifest_, entry.key).while_doing(doc.at(entry.place));
    std::string text;
    if (!textual(*o, entry.value, text))
        return Error(Code::Invalid, doc.at(entry.value.place) + ": " + about(*manifest_, o->key) +
                                        ": found " + entry.value.type_name() + ", expected a " +
                                        o->type_name() + " (" + o->doc + ")");
    if (Status s = set(o->key, text); !s)
        return std::move(s).error().while_doing(doc.at(entry.value.place));
    return {};
}

Status PluginConfig::set(std::string_view key, std::string_view text) {
    const Option* o = manifest_->option(key);
    if (o == nullptr)
        return unknown(*manifest_, key);
    auto value = parse(*o, text);
    if (!value)
        return std::move(value).error().while_doing(about(*manifest_, key) + " (" + o->type_name() +
                                                    ", " + o->doc + ")");
    values_.insert_or_assign(o->key, std::move(*value));
    return {};
}

Status PluginConfig::complete() const {
    for (const Option& o : manifest_->options)
        if (o.required && !has(o.key))
            return Error(Code::Invalid, about(*manifest_, o.key) + " is required: " + o.doc)
                .way_out("set it in the options of " + manifest_->name())
                .with("key", o.key);
    return {};
}

} // namespace segue::plugin

// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/options.hpp"

#include "core/config/key.hpp"

namespace segue::plugin {

namespace {

config::Rule rule_of(const Option& o) {
    using config::Type;
    constexpr Type types[] = {Type::String, Type::String,   Type::Uint, Type::Bool,
                              Type::Size,   Type::Duration, Type::Path};
    return {types[o.type < std::size(types) ? o.type : 0], o.min, o.max, ""};
}

std::string about(const Manifest& m, const Option& o) {
    return "option '" + o.key + "' of " + m.name() + " (" + o.doc + ")";
}

std::vector<std::string_view> keys_of(const Manifest& m) {
    std::vector<std::string_view> keys;
    for (const Option& o : m.options)
        keys.push_back(o.key);
    return keys;
}

// Finds `key` and asks for its type.
template <class T>
segue_status get(const segue_config* c, const char* key, const T** value) {
    const auto* config = reinterpret_cast<const PluginConfig*>(c);
    if (config == nullptr || key == nullptr || !config->knows(key))
        return SEGUE_INVALID;
    const config::Datum* found = config->find(key);
    if (found == nullptr)
        return SEGUE_NOT_FOUND;
    *value = std::get_if<T>(found);
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

Result<PluginConfig> PluginConfig::from(const Manifest& manifest, const config::Document& document,
                                        const config::Table& given, std::string_view path,
                                        config::Place place) {
    for (const config::Entry& e : given.entries())
        if (manifest.option(e.key) == nullptr)
            return config::unknown_key(document, e.place, path, e.key, keys_of(manifest))
                .with("plugin", manifest.name());
    PluginConfig c(manifest);
    for (const Option& o : manifest.options) {
        const config::KeyCheck check = {std::string(path) + "." + o.key, rule_of(o), o.required,
                                        o.preset};
        SEGUE_ASSIGN(auto setting, config::check_key(document, check, given.find(o.key), place));
        if (setting)
            c.values_.insert_or_assign(o.key, std::move(setting->value));
    }
    return c;
}

Status PluginConfig::set(std::string_view key, std::string_view text) {
    const Option* o = manifest_->option(key);
    if (o == nullptr)
        return Error(Code::Invalid, manifest_->name() + " has no option '" + std::string(key) + "'")
            .way_out("'segue plugins describe " + manifest_->name() + "' lists its options");
    const config::Rule rule = rule_of(*o);
    auto value = config::read_default(text, rule);
    if (!value)
        return Error(Code::Invalid, about(*manifest_, *o) + " is '" + std::string(text) +
                                        "', but must be " + config::expectation(rule))
            .way_out(config::advice(rule));
    values_.insert_or_assign(o->key, std::move(*value));
    return {};
}

const config::Datum* PluginConfig::find(std::string_view key) const {
    const auto i = values_.find(key);
    return i != values_.end() ? &i->second : nullptr;
}

std::vector<config::CheckedOption> PluginConfig::checked() const {
    std::vector<config::CheckedOption> all;
    for (const Option& o : manifest_->options)
        if (const config::Datum* value = find(o.key))
            all.push_back({o.key, o.type, *value});
    return all;
}

Status PluginConfig::complete() const {
    for (const Option& o : manifest_->options)
        if (o.required && !has(o.key))
            return Error(Code::Invalid, about(*manifest_, o) + " is required")
                .way_out("set '" + o.key + "' in the options of " + manifest_->name())
                .with("key", o.key);
    return {};
}

} // namespace segue::plugin

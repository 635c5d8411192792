// SPDX-License-Identifier: Apache-2.0
#include "core/config/options.hpp"

#include "core/config/print.hpp"

namespace segue::config {

namespace {

Type type_of(std::uint32_t option) {
    switch (option) {
    case SEGUE_OPTION_UINT:
        return Type::Uint;
    case SEGUE_OPTION_BOOL:
        return Type::Bool;
    case SEGUE_OPTION_SIZE:
        return Type::Size;
    case SEGUE_OPTION_DURATION:
        return Type::Duration;
    case SEGUE_OPTION_PATH:
        return Type::Path;
    default:
        return Type::String;
    }
}

} // namespace

const Table& given_options(const Settings& settings, std::string_view path) {
    static const Table empty;
    const Setting* setting = settings.find(path);
    const auto* table = setting != nullptr ? std::get_if<Table>(&setting->value) : nullptr;
    return table != nullptr ? *table : empty;
}

void put_options(Settings& settings, std::string_view path,
                 const std::vector<CheckedOption>& options) {
    const Table& given = given_options(settings, path);
    std::vector<Setting> shown;
    for (const CheckedOption& o : options) {
        const Value* written = given.find(o.key);
        shown.push_back({std::string(path) + "." + print_key(o.key), Rule{type_of(o.type)}, o.value,
                         written != nullptr ? written->place : Place{}});
    }
    settings.replace_below(path, std::move(shown));
}

} // namespace segue::config

// SPDX-License-Identifier: Apache-2.0
#include "core/config/override.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/utf8.hpp"
#include "core/config/key_depth.hpp"
#include "core/config/print.hpp"

namespace segue::config {

namespace {

Error bad(std::string_view text, const std::string& why) {
    return Error(Code::Invalid, "--set " + brief(to_utf8(text)) + ": " + why)
        .way_out("write for example --set guest.vcpus=2 or --set memory[0].size=512M");
}

// The whole of an override comes from the same place.
void put_at(Value& value, Place place) {
    value.place = place;
    if (auto* list = std::get_if<Array>(&value.v))
        for (Value& v : *list)
            put_at(v, place);
    if (auto* table = std::get_if<Table>(&value.v))
        for (Entry& e : table->entries()) {
            e.place = place;
            put_at(e.value, place);
        }
}

Value parse_value(std::string_view text, Place place) {
    auto document = parse_toml("value = " + std::string(text), "");
    Value value{std::string(text), place};
    if (document && document->root.entries().size() == 1)
        value = std::move(document->root.entries().front().value);
    put_at(value, place);
    return value;
}

// The value called `key` in `table`; made where there is none.
Value& child(Table& table, std::string_view key, Place place) {
    for (Entry& e : table.entries())
        if (e.key == key)
            return e.value;
    table.entries().push_back({std::string(key), place, Value{Table(), place}});
    return table.entries().back().value;
}

struct Step {
    std::string_view key;
    std::optional<std::size_t> index;
};

// "memory[0]" or "size"
std::optional<Step> parse_step(std::string_view text) {
    const auto open = text.find('[');
    if (open == text.npos)
        return text.empty() ? std::nullopt : std::optional<Step>({text, {}});
    std::size_t index = 0;
    const auto* end = text.data() + text.size();
    const auto r = std::from_chars(text.data() + open + 1, end, index);
    if (open == 0 || r.ec != std::errc{} || r.ptr + 1 != end || *r.ptr != ']')
        return {};
    return Step{text.substr(0, open), index};
}

} // namespace

Status apply_override(Document& document, std::string_view text) {
    const auto equals = text.find('=');
    if (equals == text.npos)
        return bad(text, "there is no '=' in it");
    if (!is_utf8(text))
        return bad(text, "it is not UTF-8");
    if (line_of_deep_key(text.substr(0, equals)))
        return bad(text, "its key has more than " + std::to_string(kMaxKeyParts) + " parts");
    document.overrides.emplace_back(text);
    const Place place{0, static_cast<std::uint32_t>(document.overrides.size())};
    std::string_view path = text.substr(0, equals);
    Table* table = &document.root;
    Value* value = nullptr;
    while (!path.empty() || value == nullptr) {
        const auto dot = std::min(path.find('.'), path.size());
        const auto step = parse_step(path.substr(0, dot));
        if (!step)
            return bad(text, "its key is malformed");
        if (table == nullptr)
            return bad(text, "what stands before '" + std::string(path) + "' is not a table");
        value = &child(*table, step->key, place);
        if (step->index) {
            auto* list = std::get_if<Array>(&value->v);
            if (list == nullptr || *step->index >= list->size())
                return bad(text, "there is no " + std::string(path.substr(0, dot)));
            value = &(*list)[*step->index];
        }
        table = std::get_if<Table>(&value->v);
        if (dot + 1 == path.size())
            return bad(text, "its key ends with a dot");
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    *value = parse_value(text.substr(equals + 1), place);
    return {};
}

} // namespace segue::config

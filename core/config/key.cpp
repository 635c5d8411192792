// SPDX-License-Identifier: Apache-2.0
#include "core/config/key.hpp"

#include "core/base/list.hpp"
#include "core/base/nearest.hpp"
#include "core/config/print.hpp"

namespace segue::config {

namespace {

constexpr std::size_t kLongestCompared = 64; // a key from a hostile file may be a megabyte

// What the rule asks for, and that which a string of its form lacks.
std::string must_be(const Value& value, const Rule& rule) {
    const auto* text = value.as<std::string>();
    const bool has_nul = text != nullptr && text->find('\0') != text->npos;
    return expectation(rule) + (has_nul ? " without NUL bytes" : "");
}

} // namespace

Error unknown_key(const Document& document, Place place, std::string_view path,
                  std::string_view key, const std::vector<std::string_view>& known) {
    const std::string whole = (path.empty() ? "" : std::string(path) + ".") + brief(print_key(key));
    const std::string near(key.size() > kLongestCompared ? "" : nearest(key, known));
    const std::string list = list_of(known);
    return Error(Code::Invalid, document.at(place) + ": " + whole + " is unknown" +
                                    (near.empty() ? "" : "; did you mean '" + near + "'?"))
        .way_out(list.empty() ? "no key is known here: remove it" : "known here: " + list)
        .with("key", whole)
        .with("nearest", near)
        .with("file", document.file)
        .with("line", std::to_string(place.line))
        .with("column", std::to_string(place.column));
}

Result<std::optional<Setting>> check_key(const Document& document, const KeyCheck& check,
                                         const Value* value, Place table) {
    const auto setting = [&](Datum datum, Place place) {
        return std::optional<Setting>({check.path, check.rule, std::move(datum), place});
    };
    if (value != nullptr) {
        auto datum = read_value(*value, check.rule);
        if (!datum)
            return key_error(document, value->place, check.path, "is " + brief(print(*value)),
                             must_be(*value, check.rule))
                .way_out(advice(check.rule));
        return setting(std::move(*datum), value->place);
    }
    if (check.preset) {
        auto datum = read_default(*check.preset, check.rule);
        if (!datum)
            return Error(Code::Invalid, "the default of " + check.path + " is '" + *check.preset +
                                            "', but must be " + expectation(check.rule))
                .with("key", check.path);
        return setting(std::move(*datum), Place{});
    }
    if (check.required)
        return key_error(document, table, check.path, "is missing", expectation(check.rule))
            .way_out("add it: " + check.path + " = ...");
    return std::optional<Setting>();
}

} // namespace segue::config

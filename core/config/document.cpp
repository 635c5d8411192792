// SPDX-License-Identifier: Apache-2.0
#include "core/config/document.hpp"

#include <toml++/toml.h>

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace segue::config {

namespace {

Place place_of(const toml::source_region& source) {
    return {source.begin.line, source.begin.column};
}

std::string where(std::string_view file, Place place) {
    return std::string(file) + ":" + std::to_string(place.line) + ":" +
           std::to_string(place.column);
}

Result<Value> convert(const toml::node& node, std::string_view file);

Result<Table> convert_table(const toml::table& from, std::string_view file) {
    std::vector<Entry> entries;
    entries.reserve(from.size());
    for (const auto& [key, node] : from) {
        SEGUE_ASSIGN(Value value, convert(node, file));
        entries.push_back({std::string(key.str()), place_of(key.source()), std::move(value)});
    }
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
    return Table(std::move(entries));
}

Result<Array> convert_array(const toml::array& from, std::string_view file) {
    Array values;
    values.reserve(from.size());
    for (const auto& node : from) {
        SEGUE_ASSIGN(Value value, convert(node, file));
        values.push_back(std::move(value));
    }
    return values;
}

Result<Value> convert(const toml::node& node, std::string_view file) {
    const Place place = place_of(node.source());
    if (const auto* b = node.as_boolean())
        return Value{b->get(), place};
    if (const auto* i = node.as_integer())
        return Value{i->get(), place};
    if (const auto* d = node.as_floating_point())
        return Value{d->get(), place};
    if (const auto* s = node.as_string())
        return Value{s->get(), place};
    if (const auto* a = node.as_array()) {
        SEGUE_ASSIGN(Array values, convert_array(*a, file));
        return Value{std::move(values), place};
    }
    if (const auto* t = node.as_table()) {
        SEGUE_ASSIGN(Table table, convert_table(*t, file));
        return Value{std::move(table), place};
    }
    return Error(Code::Invalid, where(file, place) + ": dates and times have no use here")
        .way_out("write a string, a number or a boolean");
}

} // namespace

Table::Table() = default;
Table::Table(std::vector<Entry> entries)
    : entries_(std::move(entries)) {}
Table::Table(const Table&) = default;
Table::Table(Table&&) noexcept = default;
Table& Table::operator=(const Table&) = default;
Table& Table::operator=(Table&&) noexcept = default;
Table::~Table() = default;

const Value* Table::find(std::string_view key) const {
    for (const Entry& e : entries_)
        if (e.key == key)
            return &e.value;
    return nullptr;
}

const char* Value::type_name() const {
    constexpr const char* names[] = {"a boolean", "an integer", "a number",
                                     "a string",  "an array",   "a table"};
    return names[v.index()];
}

std::string Document::at(Place place) const {
    if (place.line == 0 && place.column > 0 && place.column <= overrides.size())
        return "--set " + overrides[place.column - 1];
    return where(file, place);
}

Result<Document> parse_toml(std::string_view text, std::string_view file_name) {
    try {
        const toml::table root = toml::parse(text);
        SEGUE_ASSIGN(Table table, convert_table(root, file_name));
        return Document{std::string(file_name), std::move(table)};
    } catch (const toml::parse_error& e) {
        return Error(Code::Invalid,
                     where(file_name, place_of(e.source())) + ": " + std::string(e.description()));
    } catch (const std::exception& e) {
        return Error(Code::Internal, "parse " + std::string(file_name) + ": " + e.what());
    }
}

Result<Document> load_toml(const std::filesystem::path& path, std::size_t max_bytes) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(path.string(), O_RDONLY | O_NONBLOCK));
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd.get()));
    if (!S_ISREG(s.st_mode))
        return Error(Code::Invalid, "read " + path.string() + ": it is not a regular file");
    if (static_cast<std::uint64_t>(s.st_size) > max_bytes)
        return Error(Code::Invalid, "read " + path.string() + ": it is larger than " +
                                        std::to_string(max_bytes) + " bytes");
    std::string text(static_cast<std::size_t>(s.st_size), '\0');
    auto read = sys::pread_all(fd.get(), std::as_writable_bytes(std::span(text)), 0);
    if (!read)
        return std::move(read).error().while_doing("read " + path.string());
    return parse_toml(text, path.string());
}

} // namespace segue::config

// SPDX-License-Identifier: Apache-2.0
// document.hpp - a TOML file as plain values that know where they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::config {

// Counted from 1. Line 0 is nowhere in the file: column n is then the n-th override, 0 nothing at
// all.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct Value;
struct Entry;
using Array = std::vector<Value>;

// Keys in the order of the file; no key stands twice.
class Table {
public:
    Table();
    explicit Table(std::vector<Entry> entries);
    Table(const Table&);
    Table(Table&&) noexcept;
    Table& operator=(const Table&);
    Table& operator=(Table&&) noexcept;
    ~Table();

    // NULL where there is none.
    const Value* find(std::string_view key) const;
    const std::vector<Entry>& entries() const { return entries_; }
    std::vector<Entry>& entries() { return entries_; }

private:
    std::vector<Entry> entries_;
};

// Dates and times of TOML are not among them: parse_toml refuses them.
struct Value {
    std::variant<bool, std::int64_t, double, std::string, Array, Table> v;
    Place place;

    template <class T>
    const T* as() const {
        return std::get_if<T>(&v);
    }
    // "a boolean", "an integer", "a number", "a string", "an array", "a table"
    const char* type_name() const;
};

struct Entry {
    std::string key;
    Place place; // of the key
    Value value;
};

struct Document {
    std::string file;
    Table root;
    std::vector<std::string> overrides = {}; // "guest.vcpus=4", in the order of apply_override()

    // "file:line:column" or "--set guest.vcpus=4", as every error about a value begins.
    std::string at(Place place) const;
};

// `file_name` is for errors, which begin with file:line:column.
Result<Document> parse_toml(std::string_view text, std::string_view file_name);
// A regular file of at most `max_bytes`.
Result<Document> load_toml(const std::filesystem::path& path, std::size_t max_bytes);

} // namespace segue::config

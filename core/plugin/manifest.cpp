// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/manifest.hpp"

#include <algorithm>
#include <limits>

#include "core/base/list.hpp"
#include "core/config/document.hpp"

namespace segue::plugin {

namespace {

constexpr std::size_t max_manifest_bytes = 256u << 10;
constexpr const char* type_names[] = {"?", "string", "uint", "bool", "size", "duration", "path"};

// Reads the keys of one table of a manifest; keys that it does not ask for are a newer SDK's.
class Fields {
public:
    Fields(const config::Document& doc, const config::Table& table)
        : doc_(doc)
        , table_(table) {}

    Status text(const char* key, std::string& out) const { return get(key, true, out); }
    Status text(const char* key, std::optional<std::string>& out) const {
        if (table_.find(key) == nullptr)
            return {};
        return get(key, true, out.emplace());
    }
    Status flag(const char* key, bool& out) const { return get(key, false, out); }

    template <class T>
    Status number(const char* key, T& out) const {
        std::int64_t value = 0;
        SEGUE_TRY(get(key, false, value));
        if (value < 0 || static_cast<std::uint64_t>(value) > std::numeric_limits<T>::max())
            return wrong(key, "a number that is too large or negative");
        out = static_cast<T>(value);
        return {};
    }

    Status texts(const char* key, std::vector<std::string>& out) const {
        config::Array values;
        SEGUE_TRY(get(key, true, values));
        for (const config::Value& v : values) {
            if (v.as<std::string>() == nullptr)
                return wrong(key, v.type_name());
            out.push_back(*v.as<std::string>());
        }
        return {};
    }

private:
    template <class T>
    Status get(const char* key, bool required, T& out) const {
        const config::Value* value = table_.find(key);
        if (value == nullptr && !required)
            return {};
        if (value == nullptr)
            return wrong(key, "nothing");
        if (value->as<T>() == nullptr)
            return wrong(key, value->type_name());
        out = *value->as<T>();
        return {};
    }

    Error wrong(const char* key, const char* found) const {
        const config::Value* value = table_.find(key);
        return Error(Code::Invalid, doc_.at(value != nullptr ? value->place : config::Place{1, 1}) +
                                        ": manifest key '" + key + "': found " + found)
            .way_out("build or install the plugin again: its manifest is written by the build");
    }

    const config::Document& doc_;
    const config::Table& table_;
};

Result<Option> read_option(const config::Document& doc, const config::Table& table) {
    const Fields f(doc, table);
    Option o;
    std::string type;
    SEGUE_TRY(f.text("key", o.key));
    SEGUE_TRY(f.text("type", type));
    SEGUE_TRY(f.text("doc", o.doc));
    SEGUE_TRY(f.text("default", o.preset));
    SEGUE_TRY(f.number("min", o.min));
    SEGUE_TRY(f.number("max", o.max));
    SEGUE_TRY(f.flag("required", o.required));
    const auto* found = std::find(std::begin(type_names) + 1, std::end(type_names), type);
    if (found == std::end(type_names))
        return Error(Code::Invalid,
                     doc.file + ": option '" + o.key + "' has the unknown type '" + type + "'");
    o.type = static_cast<std::uint32_t>(found - std::begin(type_names));
    return o;
}

Status read_options(const config::Document& doc, std::vector<Option>& out) {
    const config::Value* list = doc.root.find("option");
    if (list == nullptr)
        return {};
    const auto* tables = list->as<config::Array>();
    if (tables == nullptr)
        return Error(Code::Invalid, doc.at(list->place) + ": 'option' is no list of tables");
    for (const config::Value& v : *tables) {
        const auto* table = v.as<config::Table>();
        if (table == nullptr)
            return Error(Code::Invalid, doc.at(v.place) + ": an option is no table");
        SEGUE_ASSIGN(Option o, read_option(doc, *table));
        out.push_back(std::move(o));
    }
    return {};
}

Error unknown_kind(const config::Document& doc, const std::string& id, const std::string& kind) {
    std::string known;
    for (const Kind& k : kinds())
        add_to_list(known, k.table_id);
    return Error(Code::Unsupported, doc.file + ": plugin '" + id + "' is of kind '" + kind +
                                        "', and this host knows " + known)
        .way_out("use a plugin that was built for this version of Segue, or remove it");
}

} // namespace

const char* Option::type_name() const {
    return type_names[type < std::size(type_names) ? type : 0];
}

const Option* Manifest::option(std::string_view key) const {
    for (const Option& o : options)
        if (o.key == key)
            return &o;
    return nullptr;
}

bool Manifest::has_cap(std::string_view cap) const {
    return std::find(caps.begin(), caps.end(), cap) != caps.end();
}

bool Manifest::is_called(std::string_view called) const {
    return called == id || std::find(aliases.begin(), aliases.end(), called) != aliases.end();
}

Result<Manifest> load_manifest(const std::filesystem::path& file) {
    SEGUE_ASSIGN(const config::Document doc, config::load_toml(file, max_manifest_bytes));
    const Fields f(doc, doc.root);
    Manifest m;
    std::string kind;
    SEGUE_TRY(f.text("kind", kind));
    SEGUE_TRY(f.text("id", m.id));
    SEGUE_TRY(f.text("version", m.version));
    SEGUE_TRY(f.text("licence", m.licence));
    SEGUE_TRY(f.text("summary", m.summary));
    SEGUE_TRY(f.texts("needs", m.needs));
    SEGUE_TRY(f.texts("caps", m.caps));
    if (doc.root.find("aliases") != nullptr)
        SEGUE_TRY(f.texts("aliases", m.aliases));
    SEGUE_TRY(f.number("wire_rev", m.wire_rev));
    SEGUE_TRY(f.number("wire_rev_min", m.wire_rev_min));
    SEGUE_TRY(f.number("state_rev", m.state_rev));
    SEGUE_TRY(f.number("state_rev_min", m.state_rev_min));
    SEGUE_TRY(read_options(doc, m.options));
    m.kind = kind_by_table(kind);
    if (m.kind == nullptr)
        return unknown_kind(doc, m.id, kind);
    if (file.stem() != m.id)
        return Error(Code::Invalid, doc.file + ": the manifest is of '" + m.id +
                                        "', and its file must be called " + m.id + ".toml");
    m.file = file;
    m.library = std::filesystem::path(file).replace_extension(".so");
    return m;
}

} // namespace segue::plugin

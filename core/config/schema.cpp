// SPDX-License-Identifier: Apache-2.0
#include "core/config/schema.hpp"

#include <algorithm>

#include "core/config/key.hpp"
#include "core/config/print.hpp"

namespace segue::config {

namespace {

constexpr std::size_t kMaxErrors = 20; // of one file, shown at once
constexpr const char* kTable = "a table";

// The keys as a tree, in their order.
struct Node {
    std::string name; // "*": any
    bool array = false;
    const Key* key = nullptr; // of a leaf
    std::vector<Node> children;

    std::vector<std::string_view> names() const {
        std::vector<std::string_view> list;
        for (const Node& c : children)
            list.push_back(c.name);
        return list;
    }
};

void insert(Node& node, std::string_view path, const Key& key) {
    if (path.empty()) {
        node.key = &key;
        return;
    }
    const auto dot = std::min(path.find('.'), path.size());
    std::string_view name = path.substr(0, dot);
    const bool array = name.size() > 2 && name.substr(name.size() - 2) == "[]";
    if (array)
        name.remove_suffix(2);
    const auto it = std::find_if(node.children.begin(), node.children.end(),
                                 [&](const Node& c) { return c.name == name; });
    Node& child = it != node.children.end()
                      ? *it
                      : node.children.emplace_back(Node{std::string(name), array, nullptr, {}});
    insert(child, path.substr(std::min(dot + 1, path.size())), key);
}

class Walk {
public:
    explicit Walk(Settings& settings)
        : settings_(settings)
        , document_(settings.document()) {}

    // `table`: nullptr where it is absent; its keys have their defaults all the same.
    void table(const Node& node, const Table* table, Place place, const std::string& path) {
        const bool any = node.children.size() == 1 && node.children.front().name == "*";
        if (any && table != nullptr)
            for (const Entry& e : table->entries())
                named(node.children.front(), e, path);
        if (any)
            return;
        if (table != nullptr)
            check_known(node, *table, path);
        for (const Node& child : node.children)
            value(child, table != nullptr ? table->find(child.name) : nullptr, place,
                  path.empty() ? child.name : path + "." + child.name);
    }

    std::vector<Error> errors;

private:
    void named(const Node& child, const Entry& entry, const std::string& path) {
        if (is_name(entry.key))
            return value(child, &entry.value, entry.place, path + "." + entry.key);
        errors.push_back(key_error(document_, entry.place, path + "." + print_key(entry.key),
                                   "has a bad name", expectation({Type::Name}))
                             .way_out("write for example " + path + ".main"));
    }

    void check_known(const Node& node, const Table& table, const std::string& path) {
        const auto known = node.names();
        for (const Entry& e : table.entries())
            if (std::find(known.begin(), known.end(), e.key) == known.end())
                errors.push_back(unknown_key(document_, e.place, path, e.key, known));
    }

    void value(const Node& node, const Value* value, Place parent, const std::string& path) {
        if (node.key != nullptr)
            return leaf(*node.key, value, parent, path);
        if (node.array)
            return array(node, value, path);
        const auto* inner = value != nullptr ? value->as<Table>() : nullptr;
        if (value != nullptr && inner == nullptr)
            return wrong_type(*value, path, kTable);
        table(node, inner, value != nullptr ? value->place : parent, path);
    }

    void array(const Node& node, const Value* value, const std::string& path) {
        const auto* list = value != nullptr ? value->as<Array>() : nullptr;
        if (value != nullptr && list == nullptr)
            return wrong_type(*value, path, "an array of tables: [[" + path + "]]");
        for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
            const Value& element = (*list)[i];
            const std::string name = path + "[" + std::to_string(i) + "]";
            if (const auto* inner = element.as<Table>())
                table(node, inner, element.place, name);
            else
                wrong_type(element, name, kTable);
        }
    }

    void leaf(const Key& key, const Value* value, Place parent, const std::string& path) {
        std::optional<std::string> preset;
        if (key.preset != nullptr)
            preset = key.preset;
        auto setting = check_key(document_, {path, key.rule, key.required, preset}, value, parent);
        if (!setting)
            errors.push_back(std::move(setting).error());
        else if (*setting)
            settings_.add(std::move(**setting));
    }

    void wrong_type(const Value& value, const std::string& path, const std::string& must_be) {
        errors.push_back(
            key_error(document_, value.place, path, std::string("is ") + value.type_name(), must_be)
                .way_out(must_be == kTable ? advice({Type::Table})
                                           : "write the heading [[" + path + "]]"));
    }

    Settings& settings_;
    const Document& document_;
};

Error together(std::vector<Error> errors) {
    Error first = std::move(errors.front());
    for (std::size_t i = 1; i < errors.size() && i < kMaxErrors; ++i)
        first = std::move(first).with("also", errors[i].what());
    return first;
}

} // namespace

Result<Settings> check_document(Document document, std::span<const Key> keys) {
    Node root;
    for (const Key& key : keys)
        insert(root, key.path, key);
    Settings settings(std::move(document));
    Walk walk(settings);
    walk.table(root, &settings.document().root, {1, 1}, "");
    if (!walk.errors.empty())
        return together(std::move(walk.errors));
    return settings;
}

} // namespace segue::config

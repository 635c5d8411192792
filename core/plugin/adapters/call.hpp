// SPDX-License-Identifier: Apache-2.0
// call.hpp - what a function of a plugin answered, made safe: used by every adapter.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/plugin/loader.hpp"
#include "core/plugin/options.hpp"

namespace segue::plugin {

// The status as a Status: Again without a text, an unknown one as Internal, the plugin's text
// bounded and well-formed, the plugin named in the detail "plugin".
Status answer(const std::string& plugin, const char* function, segue_status status,
              const segue_error& error);

// Calls `f(segue_error*)`, which calls `function` of the plugin.
template <class F>
Status call(const std::string& plugin, const char* function, F f) {
    segue_error e = {};
    e.size = sizeof e;
    const segue_status s = f(&e);
    if (s == SEGUE_OK)
        return {};
    return answer(plugin, function, s, e);
}

// A plugin broke the contract: Internal, naming it and the function.
Error broken(const std::string& plugin, const char* function, const std::string& how);

// Takes a descriptor that a plugin gave: open, CLOEXEC set, else Internal.
Result<UniqueFd> take_fd(const std::string& plugin, const char* function, std::int32_t fd);

// The table of an adapter's own kind, or Invalid where the plugin is of another.
Result<const void*> table_of(const LoadedPlugin& plugin, const char* table_id);
// Internal where the bits of a table are not what the manifest lists.
Status check_caps(const LoadedPlugin& plugin, std::uint64_t bits);
// What must hold before any create(): every required key, every service.
Status check_create(const LoadedPlugin& plugin, const PluginConfig& config, const Host& host);

// One instance of a plugin and its table; the end destroys it. Channels and listeners share it,
// so that they never outlive it.
template <class Table>
struct Instance {
    Instance(const LoadedPlugin& p, const Table& t)
        : plugin(p)
        , table(t)
        , host(&p.host()) {}
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    ~Instance() {
        if (self != nullptr)
            table.destroy(self);
    }
    const std::string& name() const { return plugin.name(); }

    const LoadedPlugin& plugin;
    const Table& table;
    Host host; // the plugin keeps its address
    void* self = nullptr;
};

// A service that only this instance gets.
struct Given {
    const char* id;
    const void* table;
};

// Makes an instance; `create(instance, segue_error*)` calls the table's create().
template <class Table, class Create>
Result<std::shared_ptr<Instance<Table>>>
make_instance(const LoadedPlugin& plugin, const char* table_id, const PluginConfig& config,
              Create create, std::span<const Given> given = {}) {
    SEGUE_ASSIGN(const void* table, table_of(plugin, table_id));
    auto i = std::make_shared<Instance<Table>>(plugin, *static_cast<const Table*>(table));
    for (const Given& g : given)
        i->host.add(g.id, g.table);
    SEGUE_TRY(check_create(plugin, config, i->host));
    SEGUE_TRY(call(plugin.name(), "create", [&](segue_error* e) { return create(*i, e); }));
    if (i->self == nullptr)
        return broken(plugin.name(), "create", "it gave no instance");
    return i;
}

} // namespace segue::plugin

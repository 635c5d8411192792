// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/loader.hpp"

#include "core/plugin/adapters/call.hpp"
#include "core/plugin/command.hpp"
#include "core/plugin/library.hpp"
#include "core/plugin/options.hpp"

namespace segue::plugin {

namespace {

Status check_entry(const Manifest& m, const segue_plugin& entry) {
    const auto refused = [&](const std::string& why) {
        return Error(Code::Refused, "load " + m.name() + " from " + m.library.string() + ": " + why)
            .way_out("use a version of the plugin that was built for this version of Segue")
            .with("plugin", m.name());
    };
    if (entry.entry_rev != SEGUE_ENTRY_REVISION)
        return refused("its entry is of revision " + std::to_string(entry.entry_rev) +
                       ", this host's of " + std::to_string(SEGUE_ENTRY_REVISION));
    if (entry.size < sizeof(segue_plugin) || entry.info == nullptr ||
        entry.info->size < sizeof(segue_info) || entry.open == nullptr || entry.close == nullptr ||
        entry.table == nullptr)
        return refused("its entry is not whole");
    return compare(m, *entry.info);
}

} // namespace

LoadedPlugin::LoadedPlugin(Manifest manifest, const Host& services)
    : manifest_(std::move(manifest))
    , name_(manifest_.name())
    , log_(name_)
    , host_(&services) {
    host_.add(SEGUE_LOG_ID, log_.table());
    host_.add(SEGUE_CONFIG_ID, config_service());
    host_.add(SEGUE_COMMAND_ID, command_service());
}

Status LoadedPlugin::open() {
    SEGUE_TRY(check_needs(name_, manifest_.needs, host_, manifest_.kind->given));
    SEGUE_ASSIGN(const segue_plugin* entry, open_library(manifest_.library));
    SEGUE_TRY(check_entry(manifest_, *entry));
    SEGUE_TRY(call(name_, "open", [&](segue_error* e) { return entry->open(host_.abi(), e); }));
    entry_ = entry;
    table_ = entry->table(manifest_.kind->table_id);
    if (table_ == nullptr)
        return Error(Code::Refused,
                     "load " + name_ + ": it has no table " + std::string(manifest_.kind->table_id))
            .with("plugin", name_);
    return {};
}

Loader::~Loader() {
    for (const auto& p : open_)
        if (p->entry_ != nullptr)
            p->entry_->close();
}

Result<const LoadedPlugin*> Loader::load(const Manifest& manifest) {
    for (const auto& p : open_)
        if (p->manifest().library == manifest.library)
            return p.get();
    auto plugin = std::make_unique<LoadedPlugin>(manifest, services_);
    Status opened = plugin->open();
    if (!opened) {
        if (plugin->entry_ != nullptr)
            plugin->entry_->close();
        return std::move(opened).error().with("plugin", manifest.name());
    }
    open_.push_back(std::move(plugin));
    return open_.back().get();
}

} // namespace segue::plugin

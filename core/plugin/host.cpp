// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/host.hpp"

#include <algorithm>

namespace segue::plugin {

Host::Host(const Host* parent)
    : parent_(parent)
    , abi_{sizeof(segue_host), 0, this, service} {}

const void* Host::find(std::string_view id) const {
    if (const auto i = tables_.find(id); i != tables_.end())
        return i->second;
    return parent_ != nullptr ? parent_->find(id) : nullptr;
}

const void* Host::service(void* h, const char* id) {
    return id != nullptr ? static_cast<const Host*>(h)->find(id) : nullptr;
}

Status check_needs(const std::string& plugin, const std::vector<std::string>& needs,
                   const Host& host, std::span<const char* const> given) {
    for (const std::string& id : needs)
        if (host.find(id) == nullptr && std::find(given.begin(), given.end(), id) == given.end())
            return Error(Code::Unsupported, "plugin " + plugin + " needs the service " + id +
                                                ", which this host has not")
                .way_out("use a version of the plugin that was built for this version of Segue")
                .with("plugin", plugin)
                .with("service", id);
    return {};
}

} // namespace segue::plugin

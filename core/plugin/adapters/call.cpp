// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/adapters/call.hpp"

#include <fcntl.h>

#include <cstring>

#include "core/base/utf8.hpp"

namespace segue::plugin {

namespace {

template <std::size_t N>
std::string bounded(const char (&text)[N]) {
    return to_utf8({text, ::strnlen(text, N)});
}

} // namespace

Status answer(const std::string& plugin, const char* function, segue_status status,
              const segue_error& raw) {
    if (status == SEGUE_OK)
        return {};
    if (status == SEGUE_AGAIN)
        return Error(Code::Again, "not yet");
    if (status < SEGUE_OK || status > SEGUE_INTERNAL)
        return broken(plugin, function,
                      "it answered " + std::to_string(status) + ", which is no status of the ABI");
    segue_error safe = {};
    safe.sys_errno = raw.sys_errno;
    const std::string what = bounded(raw.what);
    const std::string way_out = bounded(raw.way_out);
    std::memcpy(safe.what, what.c_str(), what.size()); // to_utf8 never makes it longer
    std::memcpy(safe.way_out, way_out.c_str(), way_out.size());
    return Error::from_abi(status, safe).while_doing(plugin).with("plugin", plugin);
}

Error broken(const std::string& plugin, const char* function, const std::string& how) {
    return Error(Code::Internal,
                 "plugin " + plugin + " broke the contract of " + function + ": " + how)
        .way_out("report this to those who made the plugin")
        .with("plugin", plugin);
}

Result<UniqueFd> take_fd(const std::string& plugin, const char* function, std::int32_t fd) {
    if (fd < 0)
        return broken(plugin, function, "it gave no descriptor");
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0)
        return broken(plugin, function, "descriptor " + std::to_string(fd) + " is not open");
    UniqueFd owned(fd);
    if ((flags & FD_CLOEXEC) == 0)
        return broken(plugin, function, "CLOEXEC is not set on a descriptor");
    return owned;
}

Result<const void*> table_of(const LoadedPlugin& plugin, const char* table_id) {
    if (plugin.manifest().kind->table_id == std::string_view(table_id))
        return plugin.table();
    return Error(Code::Invalid, "plugin " + plugin.name() + " has no table " + table_id)
        .with("plugin", plugin.name());
}

Status check_caps(const LoadedPlugin& plugin, std::uint64_t bits) {
    if (cap_names(*plugin.manifest().kind, bits) == plugin.manifest().caps)
        return {};
    return broken(plugin.name(), "caps", "its table has other capabilities than its manifest");
}

Status check_create(const LoadedPlugin& plugin, const PluginConfig& config, const Host& host) {
    SEGUE_TRY(config.complete());
    return check_needs(plugin.name(), plugin.manifest().needs, host);
}

} // namespace segue::plugin

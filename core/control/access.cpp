// SPDX-License-Identifier: Apache-2.0
#include "core/control/access.hpp"

#include <grp.h>

#include <algorithm>

namespace segue::control {
namespace {

template <class List, class Value>
bool contains(const List& list, Value value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

} // namespace

Result<std::optional<gid_t>> group_named(const std::string& name) {
    if (name.empty())
        return std::optional<gid_t>();
    const struct group* g = ::getgrnam(name.c_str());
    if (g == nullptr)
        return Error(Code::NotFound, "control.socket.group: there is no group '" + name + "'")
            .way_out("make it with groupadd, or name another");
    return std::optional<gid_t>(g->gr_gid);
}

Result<Standing> standing_of(const PeerIdentity& peer, const Access& access) {
    if (contains(access.owners, peer.uid))
        return Standing::Owner;
    if (access.group && contains(peer.groups, *access.group))
        return Standing::Member;
    return Error(Code::Refused,
                 "uid " + std::to_string(peer.uid) +
                     " may not control this guest, which belongs to uid " +
                     std::to_string(access.owners.back()) +
                     (access.group ? " and group " + std::to_string(*access.group) : std::string()))
        .way_out(access.group ? "join that group, or run the command as that user or as root"
                              : "run the command as that user or as root, or name a group: "
                                "control.socket.group");
}

} // namespace segue::control

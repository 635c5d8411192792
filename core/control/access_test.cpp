// SPDX-License-Identifier: Apache-2.0
#include "core/control/access.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace segue::control {
namespace {

Access owned_by(uid_t uid) {
    Access access;
    access.owners = {0, uid};
    return access;
}

PeerIdentity somebody(uid_t uid, std::vector<gid_t> groups) {
    return {1, uid, std::move(groups)};
}

TEST(Access, TheOwnerAndRoot) {
    const auto access = owned_by(1000);
    EXPECT_EQ(standing_of(somebody(1000, {5}), access).value(), Standing::Owner);
    EXPECT_EQ(standing_of(somebody(0, {0}), access).value(), Standing::Owner);
    EXPECT_EQ(Access().owners.back(), ::geteuid());
}

TEST(Access, OthersAreRefusedWithAWayOut) {
    auto access = owned_by(1000);
    const auto no_group = standing_of(somebody(1001, {1000, 0}), access);
    ASSERT_EQ(no_group.code(), Code::Refused) << "a group is no user";
    EXPECT_NE(no_group.error().what().find("uid 1001"), std::string::npos);
    EXPECT_NE(no_group.error().way_out().find("control.socket.group"), std::string::npos);
    access.group = 44;
    EXPECT_EQ(standing_of(somebody(1001, {43, 45}), access).code(), Code::Refused);
}

TEST(Access, TheGroupByItsFirstOrAnyOther) {
    auto access = owned_by(1000);
    access.group = 44;
    EXPECT_EQ(standing_of(somebody(1001, {44}), access).value(), Standing::Member);
    EXPECT_EQ(standing_of(somebody(1001, {7, 8, 44}), access).value(), Standing::Member);
    EXPECT_EQ(standing_of(somebody(1000, {44}), access).value(), Standing::Owner);
}

TEST(Access, ThePeerIsWhoTheKernelSays) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const UniqueFd one(pair[0]), other(pair[1]);
    const auto peer = peer_of(one.get());
    ASSERT_TRUE(peer) << peer.error().what();
    EXPECT_EQ(peer->uid, ::geteuid());
    EXPECT_EQ(peer->groups.front(), ::getegid());
    std::vector<gid_t> all(static_cast<std::size_t>(::getgroups(0, nullptr)));
    ASSERT_EQ(::getgroups(static_cast<int>(all.size()), all.data()), static_cast<int>(all.size()));
    all.insert(all.begin(), ::getegid());
    EXPECT_EQ(peer->groups, all);
}

TEST(Access, GroupsByName) {
    EXPECT_EQ(group_named("root").value(), gid_t{0});
    EXPECT_EQ(group_named("").value(), std::nullopt);
    EXPECT_NE(group_named("no such group").error().what().find("'no such group'"),
              std::string::npos);
}

} // namespace
} // namespace segue::control

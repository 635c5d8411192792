// SPDX-License-Identifier: Apache-2.0
#include "core/config/device_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/identity.hpp"

namespace segue::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr const char* kGuest = "guest = { name = \"a\", kernel = \"/k\" }\n"
                               "[[memory]]\nid = \"ram0\"\nsize = \"512M\"\nbackend = \"memfd\"\n";
constexpr Key kDisk[] = {{"path", {Type::Path}, true, nullptr, "its file"},
                         {"read_only", {Type::Bool}, false, "false", "never written"},
                         {"queues", {Type::Uint, 1, 8}, false, nullptr, "how many"}};
constexpr DeviceModel kModels[] = {{"virtio-blk", "a disk", kDisk}, {"virtio-rng", "noise", {}}};
constexpr Key kOfEach[] = {{"packed", {Type::Bool}, false, "true", "kind of ring"}};
constexpr DeviceModels kKnown = {kModels, 3, kOfEach};

Result<GuestConfig> check(const std::string& devices) {
    SEGUE_ASSIGN(Document document, parse_toml(kGuest + devices, "a.toml"));
    SEGUE_ASSIGN(GuestConfig config, check_guest_config(std::move(document)));
    SEGUE_TRY(check_devices(config, kKnown));
    return config;
}

std::string device(const std::string& id, const std::string& model, const std::string& options) {
    return "[[device]]\nid = \"" + id + "\"\nmodel = \"" + model + "\"\noptions = { " + options +
           " }\n";
}

std::string refusal(const std::string& devices) {
    const auto c = check(devices);
    if (c)
        return "";
    EXPECT_FALSE(c.error().way_out().empty());
    return c.error().what() + " | " + c.error().way_out();
}

TEST(DeviceModels, OptionsHaveTheirDefaultsAndAreIdentity) {
    const auto c =
        check(device("disk0", "virtio-blk", "path = \"/a\"") + device("rng0", "virtio-rng", ""));
    ASSERT_TRUE(c.ok()) << c.error().what();
    ASSERT_EQ(c->devices.size(), 2u);
    EXPECT_THAT(c->devices[0].values, ElementsAre(Pair("packed", "true"), Pair("path", "/a"),
                                                  Pair("read_only", "false")));
    EXPECT_EQ(c->devices[1].model, "virtio-rng");
    const auto other = check(device("disk0", "virtio-blk", "path = \"/a\", read_only = true") +
                             device("rng0", "virtio-rng", ""));
    const Status same = same_identity(identity_of(c->settings), identity_of(other->settings));
    EXPECT_EQ(same.error().detail("key"), "device[0].options.read_only");
    const auto fewer = check(device("disk0", "virtio-blk", "path = \"/a\""));
    EXPECT_EQ(same_identity(identity_of(c->settings), identity_of(fewer->settings)).code(),
              Code::Refused);
}

TEST(DeviceModels, AnOptionOfEveryModelIsIdentityOnceItIsNotTheDefault) {
    const auto identity = [](const std::string& options) {
        return identity_of(check(device("rng0", "virtio-rng", options))->settings);
    };
    EXPECT_EQ(identity(""), identity("packed = true")); // as VMMs that do not know it have it
    for (const auto& [key, value] : identity(""))
        EXPECT_THAT(key, Not(HasSubstr("packed")));
    const Status s = same_identity(identity(""), identity("packed = false"));
    EXPECT_EQ(s.error().detail("key"), "device[0].options.packed");
    EXPECT_EQ(same_identity(identity("packed = false"), identity("")).code(), Code::Refused);
}

TEST(DeviceModels, MistakesAreNamed) {
    EXPECT_THAT(refusal(device("d", "virtio-blok", "path = \"/a\"")),
                HasSubstr("a.toml:8:9: device[0].model is \"virtio-blok\", but must be a model "
                          "that there is; did you mean 'virtio-blk'? | known here: virtio-blk, "
                          "virtio-rng"));
    EXPECT_THAT(refusal(device("d", "virtio-blk", "")),
                HasSubstr("device[0].options.path is missing"));
    EXPECT_THAT(refusal(device("d", "virtio-blk", "path = \"/a\", readonly = true")),
                HasSubstr("device[0].options.readonly is unknown; did you mean 'read_only'?"));
    EXPECT_THAT(refusal(device("d", "virtio-blk", "path = \"/a\", queues = 9")),
                HasSubstr("device[0].options.queues is 9"));
    EXPECT_THAT(refusal(device("d", "virtio-rng", "") + device("d", "virtio-rng", "")),
                HasSubstr("device[1].id"));
    EXPECT_THAT(refusal(device(std::string(32, 'd'), "virtio-rng", "")), HasSubstr("31 letters"));
    std::string four;
    for (const char* id : {"a", "b", "c", "d"})
        four += device(id, "virtio-rng", "");
    EXPECT_THAT(refusal(four), HasSubstr("device[3].id is \"d\", but must be one of at most 3"));
}

} // namespace
} // namespace segue::config

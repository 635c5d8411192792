// SPDX-License-Identifier: Apache-2.0
#include "core/config/guest_config.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/identity.hpp"
#include "core/config/options.hpp"
#include "core/config/override.hpp"

namespace segue::config {
namespace {

using std::chrono::microseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSmall = "guest = { name = \"a\", kernel = \"/k\" }\n"
                               "[[memory]]\nid = \"ram0\"\nsize = \"512M\"\nbackend = \"memfd\"\n";

constexpr const char* kFull = R"([guest]
name = "web1"
vcpus = 2
cpu = "x86-64-v2"
kernel = "/usr/share/segue/metronome.elf"
cmdline = "quiet \"x\""
[[memory]]
id = "ram0"
size = "512M"
backend = "memfd"
options = {}
[[memory]]
id = "ram1"
size = "16777216"
backend = "file"
options = { path = "/dev/shm/x", hole = { deep = [1, 2.5] } }
numa = { nodes = "0-1,3", policy = "interleave" }
prealloc = true
lock = true
[console]
backend = "file"
path = "/tmp/console"
[plugins]
dirs = ["/opt/acme/segue"]
[update]
mode = "m-1"
allow = ["m-2", "m-1"]
binary = "/usr/bin/segue-vmm"
keeper = "k"
keeper_options = { slots = 3 }
blackout_budget = "200ms"
deadline = { prepare = "20s", drain = "1500ms" }
channels.main = { transport = "unix", options = { path = "/run/x" } }
channels.data = { transport = "tcp" }
options.m-2 = { strategy = "direct" }
[control]
socket = { mode = "0660", group = "segue" }
)";

Result<GuestConfig> check(std::string_view text, const std::vector<std::string>& overrides = {}) {
    SEGUE_ASSIGN(Document document, parse_toml(text, "g.toml"));
    for (const std::string& o : overrides)
        SEGUE_TRY(apply_override(document, o));
    return check_guest_config(std::move(document));
}

TEST(GuestConfig, EveryKeyArrives) {
    const auto c = check(kFull);
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_EQ(c->name, "web1");
    EXPECT_EQ(c->vcpus, 2u);
    EXPECT_EQ(c->cpu, "x86-64-v2");
    EXPECT_FALSE(c->nested);
    EXPECT_EQ(c->kernel, "/usr/share/segue/metronome.elf");
    EXPECT_EQ(c->cmdline, "quiet \"x\"");
    ASSERT_EQ(c->memory.size(), 2u);
    EXPECT_EQ(c->memory[0].size, 512ull << 20);
    EXPECT_EQ(c->memory[1].id, "ram1");
    EXPECT_EQ(c->memory[1].size, 16ull << 20);
    EXPECT_EQ(c->memory[1].backend, "file");
    EXPECT_EQ(*given_options(c->settings, c->memory[1].options).find("path")->as<std::string>(),
              "/dev/shm/x");
    EXPECT_THAT(c->memory[1].numa.nodes, ElementsAre(0, 1, 3));
    EXPECT_EQ(c->memory[1].numa.policy, NumaPolicy::Interleave);
    EXPECT_TRUE(c->memory[1].prealloc);
    EXPECT_TRUE(c->memory[1].lock);
    EXPECT_EQ(c->console.kind, ConsoleKind::File);
    EXPECT_EQ(c->console.path, "/tmp/console");
    EXPECT_THAT(c->plugin_dirs, ElementsAre("/opt/acme/segue"));
    EXPECT_EQ(c->control.mode, 0660u);
    EXPECT_EQ(c->control.group, "segue");
}

TEST(GuestConfig, TheUpdateTableArrives) {
    const auto c = check(kFull);
    ASSERT_TRUE(c) << c.error().what();
    const UpdateConfig& u = c->update;
    EXPECT_EQ(u.mode, "m-1");
    EXPECT_THAT(u.allow, ElementsAre("m-2", "m-1"));
    EXPECT_EQ(u.binary, "/usr/bin/segue-vmm");
    EXPECT_EQ(u.keeper, "k");
    EXPECT_NE(given_options(c->settings, u.keeper_options).find("slots"), nullptr);
    EXPECT_EQ(u.blackout_budget, microseconds(200000));
    EXPECT_EQ(u.deadline.prepare, microseconds(20000000));
    EXPECT_EQ(u.deadline.drain, microseconds(1500000));
    EXPECT_EQ(u.deadline.handover, microseconds(2000000));
    ASSERT_EQ(u.channels.size(), 2u);
    EXPECT_EQ(u.channels[0].name, "main");
    EXPECT_EQ(u.channels[0].transport, "unix");
    EXPECT_NE(given_options(c->settings, u.channels[0].options).find("path"), nullptr);
    EXPECT_EQ(u.channels[1].name, "data");
    EXPECT_NE(given_options(c->settings, UpdateConfig::mode_options("m-2")).find("strategy"),
              nullptr);
    EXPECT_TRUE(given_options(c->settings, UpdateConfig::mode_options("m-1")).entries().empty());
}

TEST(GuestConfig, Defaults) {
    const auto c = check(kSmall);
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_EQ(c->vcpus, 1u);
    EXPECT_EQ(c->cmdline, "");
    EXPECT_EQ(c->console.kind, ConsoleKind::None);
    EXPECT_TRUE(c->memory[0].numa.nodes.empty());
    EXPECT_FALSE(c->memory[0].prealloc || c->memory[0].lock);
    EXPECT_TRUE(c->plugin_dirs.empty());
    EXPECT_EQ(c->update.mode, "");
    EXPECT_TRUE(c->update.allow.empty());
    EXPECT_FALSE(c->update.blackout_budget);
    EXPECT_EQ(c->update.deadline.prepare, microseconds(10000000));
    EXPECT_EQ(c->update.deadline.copy, microseconds(600000000));
    EXPECT_EQ(c->update.deadline.pause, microseconds(2000000));
    EXPECT_EQ(c->update.deadline.drain, microseconds(5000000));
    EXPECT_EQ(c->control.mode, 0600u);
}

TEST(GuestConfig, WhereABlockCannotLie) {
    const auto said = [](const std::vector<std::string>& overrides) {
        const auto c = check(kSmall, overrides);
        return c ? "accepted" : c.error().what();
    };
    for (const char* nodes : {"", "1-0", "0,0", "a", "1024"})
        EXPECT_THAT(said({"memory[0].numa.nodes=\"" + std::string(nodes) + "\""}),
                    HasSubstr("must be a list of NUMA nodes, 0 to 1023, such as \"0-1,3\""))
            << nodes;
    EXPECT_THAT(said({"memory[0].numa.nodes=0-1", "memory[0].numa.policy=preferred"}),
                HasSubstr("must be one node where memory[0].numa.policy is \"preferred\""));
    EXPECT_THAT(said({"memory[0].numa.policy=bind"}),
                HasSubstr("must be absent where memory[0].numa.nodes is"));
    EXPECT_THAT(said({"memory[0].numa.policy=local", "memory[0].numa.nodes=\"0\""}),
                HasSubstr("must be one of bind, preferred, interleave"));
}

TEST(GuestConfig, TheModeIsAllowedByDefault) {
    const auto c = check(std::string(kSmall) + "[update]\nmode = \"m\"\n");
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_THAT(c->update.allow, ElementsAre("m"));
}

TEST(Override, TomlOrBareString) {
    const auto c =
        check(kSmall, {"guest.vcpus=4", "guest.kernel=/boot/k", "guest.name=\"b\"",
                       "memory[0].size=1G", "update.deadline.copy=90s", "memory[0].options.path=/x",
                       "plugins.dirs=[\"/p\"]", "guest.cmdline=a=b c"});
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_EQ(c->vcpus, 4u);
    EXPECT_EQ(c->kernel, "/boot/k");
    EXPECT_EQ(c->name, "b");
    EXPECT_EQ(c->cmdline, "a=b c");
    EXPECT_EQ(c->memory[0].size, 1ull << 30);
    EXPECT_EQ(c->update.deadline.copy, microseconds(90000000));
    EXPECT_THAT(c->plugin_dirs, ElementsAre("/p"));
    EXPECT_NE(given_options(c->settings, "memory[0].options").find("path"), nullptr);
    EXPECT_EQ(c->settings.origin(*c->settings.find("guest.vcpus")), "--set guest.vcpus=4");
}

TEST(Override, TheLastOneWins) {
    const auto c = check(kSmall, {"guest.vcpus=4", "guest.vcpus=3"});
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_EQ(c->vcpus, 3u);
    EXPECT_EQ(c->settings.origin(*c->settings.find("guest.vcpus")), "--set guest.vcpus=3");
}

TEST(Override, AValueCannotBringFurtherKeys) {
    const auto c = check(kSmall, {"guest.cmdline=\"x\"\nother = 1"});
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_EQ(c->cmdline, "\"x\"\nother = 1");
}

TEST(Override, ErrorsNameIt) {
    const auto what = [](const char* text) {
        const auto c = check(kSmall, {text});
        return c ? "accepted" : c.error().what();
    };
    EXPECT_EQ(what("guest.vcpus=65"),
              "--set guest.vcpus=65: guest.vcpus is 65, but must be an integer from 1 to 64");
    EXPECT_EQ(what("guest.vcpu=1"),
              "--set guest.vcpu=1: guest.vcpu is unknown; did you mean 'vcpus'?");
    EXPECT_EQ(what("guest"), "--set guest: there is no '=' in it");
    EXPECT_EQ(what("=1"), "--set =1: its key is malformed");
    EXPECT_EQ(what("guest.=1"), "--set guest.=1: its key ends with a dot");
    EXPECT_EQ(what("memory[1].size=1G"), "--set memory[1].size=1G: there is no memory[1]");
    EXPECT_EQ(what("memory[x].size=1G"), "--set memory[x].size=1G: its key is malformed");
    EXPECT_EQ(what("guest.name.x=1"),
              "--set guest.name.x=1: what stands before 'x' is not a table");
}

TEST(Effective, NamesEveryOrigin) {
    const auto c = check(kSmall, {"guest.vcpus=4"});
    ASSERT_TRUE(c) << c.error().what();
    const std::string text = effective(c->settings);
    EXPECT_THAT(text, HasSubstr("[guest]\nname = \"a\" # g.toml:1:18\n"
                                "vcpus = 4 # --set guest.vcpus=4\n"));
    EXPECT_THAT(
        text, HasSubstr("[[memory]]\nid = \"ram0\" # g.toml:3:6\nsize = \"512M\" # g.toml:4:8\n"));
    EXPECT_THAT(text, HasSubstr("deadline.prepare = \"10s\" # default\n"));
}

TEST(Effective, ReadsBackAsTheSame) {
    const auto c = check(kFull, {"guest.cmdline=two\nlines"});
    ASSERT_TRUE(c) << c.error().what();
    const std::string once = effective(c->settings);
    auto document = parse_toml(once, "effective.toml");
    ASSERT_TRUE(document) << document.error().what() << "\n" << once;
    const auto again = check_guest_config(std::move(*document));
    ASSERT_TRUE(again) << again.error().what() << "\n" << once;
    ASSERT_EQ(again->settings.all().size(), c->settings.all().size());
    EXPECT_EQ(identity_of(again->settings), identity_of(c->settings));
    EXPECT_EQ(again->update.channels.size(), 2u);
    EXPECT_EQ(again->update.deadline.drain, c->update.deadline.drain);
    EXPECT_EQ(again->cmdline, "two\nlines");
}

TEST(Options, TakeThePlaceOfTheirTable) {
    auto c = check(std::string(kSmall) + "options = { seal = true }\n");
    ASSERT_TRUE(c) << c.error().what();
    for (int i = 0; i < 2; ++i)
        put_options(c->settings, c->memory[0].options,
                    {{"seal", SEGUE_OPTION_BOOL, true},
                     {"hugepages", SEGUE_OPTION_SIZE, std::uint64_t{2} << 20}});
    const std::string text = effective(c->settings);
    EXPECT_THAT(text, HasSubstr("\noptions.seal = true # g.toml:6:20\n"
                                "options.hugepages = \"2M\" # default\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("\noptions = {")));
}

TEST(Identity, IsComparedByValueAfterDefaults) {
    auto a = check(kSmall);
    auto b = check(std::string(kSmall) + "options = { seal = false }\n[update]\nmode = \"m\"\n",
                   {"guest.vcpus=1", "memory[0].size=524288K"});
    ASSERT_TRUE(a && b);
    EXPECT_EQ(same_identity(identity_of(a->settings), identity_of(b->settings)).code(),
              Code::Refused)
        << "a default of a plugin is not known yet";
    for (auto* c : {&a, &b})
        put_options((*c)->settings, "memory[0].options", {{"seal", SEGUE_OPTION_BOOL, false}});
    EXPECT_TRUE(same_identity(identity_of(a->settings), identity_of(b->settings)));
}

// A guest that was started by a VMM without these keys goes on with one that has them.
TEST(Identity, KeysThatCameLaterAreInItOnceTheyAreNotTheDefault) {
    const auto identity = [](const std::vector<std::string>& overrides) {
        return identity_of(check(kSmall, overrides)->settings);
    };
    const Identity plain = identity({});
    for (const auto& [key, value] : plain)
        EXPECT_TRUE(key != "guest.cpu" && key != "guest.nested");
    EXPECT_EQ(identity({"guest.cpu=host", "guest.nested=false"}), plain);
    EXPECT_EQ(same_identity(plain, identity({"guest.cpu=x86-64-v2"})).error().detail("key"),
              "guest.cpu");
    EXPECT_EQ(same_identity(identity({"guest.nested=true"}), plain).error().detail("key"),
              "guest.nested");
}

TEST(Identity, ADifferenceIsNamedWithBothValues) {
    const auto a = check(kSmall);
    const auto compare = [&](const std::vector<std::string>& overrides) {
        const auto b = check(kSmall, overrides);
        const auto s = same_identity(identity_of(a->settings), identity_of(b->settings));
        return s ? "same" : s.error().what();
    };
    EXPECT_EQ(compare({"guest.vcpus=2"}), "key guest.vcpus is 1 in the running guest, but 2 in the "
                                          "new configuration");
    EXPECT_EQ(compare({"memory[0].size=1G"}), "key memory[0].size is \"512M\" in the running "
                                              "guest, but \"1G\" in the new configuration");
    EXPECT_EQ(compare({"memory[0].options.x=1"}), "key memory[0].options.x is absent in the "
                                                  "running guest, but 1 in the new configuration");
    EXPECT_EQ(compare({"console.backend=pty", "update.mode=m", "control.socket.mode=0660"}),
              "same");
    EXPECT_EQ(
        compare({"memory[0].numa.nodes=\"0\"", "memory[0].prealloc=true", "memory[0].lock=true"}),
        "same");
    EXPECT_NE(compare({"memory[0].options.lock=true"}), "same") << "a plugin's own";
    const auto larger =
        check(std::string(kSmall) + "[[memory]]\nid = \"b\"\nsize = \"1G\"\nbackend = \"memfd\"\n");
    const auto s = same_identity(identity_of(larger->settings), identity_of(a->settings));
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_EQ(s.error().detail("key"), "memory[1].id");
    EXPECT_EQ(s.error().detail("new"), "absent");
    EXPECT_FALSE(s.error().way_out().empty());
}

class ConfigFile : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "segue-config-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::filesystem::path write(const std::string& text) {
        std::ofstream(folder_ / "g.toml") << text;
        ::chmod((folder_ / "g.toml").c_str(), 0644);
        return folder_ / "g.toml";
    }
    std::filesystem::path folder_;
};

TEST_F(ConfigFile, IsReadWithItsOverrides) {
    const auto c = load_guest_config(write(kSmall), {"guest.vcpus=2"});
    ASSERT_TRUE(c) << c.error().what();
    EXPECT_EQ(c->vcpus, 2u);
    EXPECT_THAT(effective(c->settings), HasSubstr((folder_ / "g.toml").string() + ":4:8"));
}

TEST_F(ConfigFile, ThatOthersMayWriteIsRefused) {
    const auto path = write(kSmall);
    ::chmod(path.c_str(), 0664);
    const auto c = load_guest_config(path, {});
    ASSERT_EQ(c.code(), Code::Refused);
    EXPECT_THAT(c.error().what(), HasSubstr(path.string()));
    EXPECT_THAT(c.error().way_out(), HasSubstr("chmod"));
}

TEST_F(ConfigFile, IsBoundedAndExists) {
    EXPECT_EQ(load_guest_config(folder_ / "none.toml", {}).code(), Code::NotFound);
    const auto large = load_guest_config(write(std::string((1 << 20) + 1, '#')), {});
    ASSERT_EQ(large.code(), Code::Invalid);
    EXPECT_THAT(large.error().what(), HasSubstr("larger than 1048576 bytes"));
}

} // namespace
} // namespace segue::config

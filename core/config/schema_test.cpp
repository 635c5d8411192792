// SPDX-License-Identifier: Apache-2.0
// What a schema refuses, and in which words: a table of broken configurations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/guest_config.hpp"

namespace segue::config {
namespace {

// Line 1 to 8; a case changes one line, or adds from line 9 on.
const std::vector<std::string> kGood = {
    "[guest]",    "name = \"web1\"", "vcpus = 2",       "kernel = \"/boot/metronome.elf\"",
    "[[memory]]", "id = \"ram0\"",   "size = \"512M\"", "backend = \"memfd\"",
};

struct Case {
    std::size_t line; // that is replaced; 9: added
    const char* text;
    const char* expect; // the whole of what()
};

std::string broken(const Case& c) {
    auto lines = kGood;
    lines.resize(std::max(lines.size(), c.line));
    lines[c.line - 1] = c.text;
    std::string text;
    for (const std::string& l : lines)
        text += l + "\n";
    return text;
}

const Case kCases[] = {
    {2, "name = 5",
     "g.toml:2:8: guest.name is 5, but must be a name of 1 to 63 letters a-z, digits and inner "
     "'-'"},
    {2, "name = \"Web\"",
     "g.toml:2:8: guest.name is \"Web\", but must be a name of 1 to 63 letters a-z, digits and "
     "inner '-'"},
    {2, "name = \"-web\"",
     "g.toml:2:8: guest.name is \"-web\", but must be a name of 1 to 63 letters a-z, digits and "
     "inner '-'"},
    {2, "name = \"../x\"",
     "g.toml:2:8: guest.name is \"../x\", but must be a name of 1 to 63 letters a-z, digits and "
     "inner '-'"},
    {2, "",
     "g.toml:1:1: guest.name is missing, but must be a name of 1 to 63 letters a-z, digits and "
     "inner '-'"},
    {3, "vcpus = 0", "g.toml:3:9: guest.vcpus is 0, but must be an integer from 1 to 64"},
    {3, "vcpus = 65", "g.toml:3:9: guest.vcpus is 65, but must be an integer from 1 to 64"},
    {3, "vcpus = -1", "g.toml:3:9: guest.vcpus is -1, but must be an integer from 1 to 64"},
    {3, "vcpus = 1.5", "g.toml:3:9: guest.vcpus is 1.5, but must be an integer from 1 to 64"},
    {3, "vcpus = \"2\"", "g.toml:3:9: guest.vcpus is \"2\", but must be an integer from 1 to 64"},
    {3, "vcpu = 2", "g.toml:3:1: guest.vcpu is unknown; did you mean 'vcpus'?"},
    {3, "colour = 2", "g.toml:3:1: guest.colour is unknown"},
    {3, "cpu = \"haswell\"",
     "g.toml:3:7: guest.cpu is \"haswell\", but must be one of host, x86-64-v1, x86-64-v2, "
     "x86-64-v3, x86-64-v4"},
    {3, "cpu = \"x86-64-v2\"\nnested = true",
     "g.toml:4:10: guest.nested is true, but must be false where guest.cpu is \"x86-64-v2\""},
    {4, "kernel = \"metronome.elf\"",
     "g.toml:4:10: guest.kernel is \"metronome.elf\", but must be an absolute path"},
    {4, "kernel = true", "g.toml:4:10: guest.kernel is true, but must be an absolute path"},
    {4, "kernel = \"/a\\u0000b\"",
     "g.toml:4:10: guest.kernel is \"/a\\u0000b\", but must be an absolute path without NUL bytes"},
    {5, "[memory]", "g.toml:5:1: memory is a table, but must be an array of tables: [[memory]]"},
    {5, "[[memori]]", "g.toml:5:3: memori is unknown; did you mean 'memory'?"},
    {6, "ids = \"ram0\"", "g.toml:6:1: memory[0].ids is unknown; did you mean 'id'?"},
    {7, "size = 512",
     "g.toml:7:8: memory[0].size is 512, but must be a size such as \"512M\" from 16M to 64T"},
    {7, "size = \"512X\"",
     "g.toml:7:8: memory[0].size is \"512X\", but must be a size such as \"512M\" from 16M to 64T"},
    {7, "size = \"15M\"",
     "g.toml:7:8: memory[0].size is \"15M\", but must be a size such as \"512M\" from 16M to 64T"},
    {7, "size = \"16777217\"",
     "g.toml:7:8: memory[0].size is \"16777217\", but must be a multiple of 4096 bytes"},
    {7, "",
     "g.toml:5:1: memory[0].size is missing, but must be a size such as \"512M\" from 16M to 64T"},
    {9, "options = 1", "g.toml:9:11: memory[0].options is 1, but must be a table"},
    {9, "[[memory]]\nid = \"ram0\"\nsize = \"16M\"\nbackend = \"memfd\"",
     "g.toml:10:6: memory[1].id is \"ram0\", but must be another name than that of a block before "
     "it"},
    {9, "[console]\nbackend = \"tty\"",
     "g.toml:10:11: console.backend is \"tty\", but must be one of none, stdio, file, pty"},
    {9, "[console]\nbackend = \"file\"",
     "g.toml:10:11: console.path is missing, but must be an absolute path where console.backend is "
     "\"file\""},
    {9, "[console]\npath = \"/tmp/x\"",
     "g.toml:10:8: console.path is \"/tmp/x\", but must be absent where console.backend is "
     "\"none\""},
    {9, "[plugins]\ndirs = [\"/opt\", \"lib\"]",
     "g.toml:10:8: plugins.dirs is [\"/opt\", \"lib\"], but must be an array of absolute paths"},
    {9, "[plugins]\ndirs = \"/opt\"",
     "g.toml:10:8: plugins.dirs is \"/opt\", but must be an array of absolute paths"},
    {9, "[update]\nmode = \"a\"\nallow = [\"b\"]",
     "g.toml:11:9: update.allow is [\"b\"], but must be an array that holds update.mode, \"a\""},
    {9, "[update]\nbinary = \"segue-vmm\"",
     "g.toml:10:10: update.binary is \"segue-vmm\", but must be an absolute path"},
    {9, "[update]\nblackout_budget = 200",
     "g.toml:10:19: update.blackout_budget is 200, but must be a duration such as \"200ms\" from "
     "1us to 60m"},
    {9, "[update]\ndeadline.drain = \"0s\"",
     "g.toml:10:18: update.deadline.drain is \"0s\", but must be a duration such as \"200ms\" from "
     "1us to 60m"},
    {9, "[update]\ndeadline.drian = \"1s\"",
     "g.toml:10:10: update.deadline.drian is unknown; did you mean 'drain'?"},
    {9, "[update]\nchannels.main = { options = {} }",
     "g.toml:10:17: update.channels.main.transport is missing, but must be a name of 1 to 63 "
     "letters a-z, digits and inner '-'"},
    {9, "[update]\nchannels.main = \"unix\"",
     "g.toml:10:17: update.channels.main is a string, but must be a table"},
    {9, "[update]\nchannels.\"Ma in\" = { transport = \"unix\" }",
     "g.toml:10:10: update.channels.\"Ma in\" has a bad name, but must be a name of 1 to 63 "
     "letters a-z, digits and inner '-'"},
    {9, "[update]\noptions.x = 1", "g.toml:10:13: update.options.x is 1, but must be a table"},
    {9, "[control]\nsocket = { mode = \"0999\" }",
     "g.toml:10:19: control.socket.mode is \"0999\", but must be four octal digits such as "
     "\"0660\""},
    {9, "[control]\nsocket = { mode = \"4755\" }",
     "g.toml:10:19: control.socket.mode is \"4755\", but must be four octal digits such as "
     "\"0660\""},
    {9, "[gest]", "g.toml:9:2: gest is unknown; did you mean 'guest'?"},
};

TEST(Schema, TheUnbrokenOneIsAccepted) {
    auto document = parse_toml(broken({9, "", ""}), "g.toml");
    ASSERT_TRUE(document) << document.error().what();
    const auto config = check_guest_config(std::move(*document));
    EXPECT_TRUE(config) << config.error().what();
}

TEST(Schema, EachBrokenOneIsRefusedInItsWords) {
    for (const Case& c : kCases) {
        auto document = parse_toml(broken(c), "g.toml");
        ASSERT_TRUE(document) << document.error().what();
        const auto config = check_guest_config(std::move(*document));
        ASSERT_EQ(config.code(), Code::Invalid) << c.text;
        EXPECT_EQ(config.error().what(), c.expect);
    }
}

Error refusal(std::size_t line, const char* text) {
    auto document = parse_toml(broken({line, text, ""}), "g.toml");
    auto config = check_guest_config(std::move(document).value());
    return config.ok() ? Error(Code::Ok, "accepted") : std::move(config).error();
}

TEST(Schema, ErrorsHoldTheFactsApart) {
    const Error e = refusal(3, "vcpus = 65");
    EXPECT_EQ(e.detail("key"), "guest.vcpus");
    EXPECT_EQ(e.detail("file"), "g.toml");
    EXPECT_EQ(e.detail("line"), "3");
    EXPECT_EQ(e.detail("column"), "9");
    EXPECT_EQ(e.detail("expected"), "an integer from 1 to 64");
    EXPECT_EQ(refusal(4, "kernel = \"x\"").way_out(), "write the whole path, from '/'");
    const Error unknown = refusal(3, "vcpu = 1");
    EXPECT_EQ(unknown.detail("nearest"), "vcpus");
    EXPECT_EQ(unknown.way_out(), "known here: name, vcpus, cpu, nested, kernel, initrd, cmdline");
}

TEST(Schema, FurtherErrorsAreKept) {
    const Error e = refusal(3, "vcpu = 1\nkernal = \"/x\"");
    ASSERT_EQ(e.what(), "g.toml:3:1: guest.vcpu is unknown; did you mean 'vcpus'?");
    EXPECT_EQ(e.detail("also"), "g.toml:4:1: guest.kernal is unknown; did you mean 'kernel'?");
}

TEST(Schema, NoMemoryIsRefused) {
    auto document = parse_toml("[guest]\nname = \"a\"\nkernel = \"/k\"\n", "g.toml");
    const auto config = check_guest_config(std::move(document).value());
    ASSERT_EQ(config.code(), Code::Invalid);
    EXPECT_EQ(config.error().what(),
              "g.toml:1:1: memory is missing, but must be an array of tables");
    EXPECT_THAT(config.error().way_out(), testing::HasSubstr("[[memory]]"));
}

TEST(Schema, BytesThatAreNotUtf8AreRefusedWithTheirPlace) {
    const auto document = parse_toml("[guest]\nname = \"\xff\"\n", "g.toml");
    ASSERT_EQ(document.code(), Code::Invalid);
    EXPECT_EQ(document.error().what().rfind("g.toml:2:", 0), 0u) << document.error().what();
}

} // namespace
} // namespace segue::config

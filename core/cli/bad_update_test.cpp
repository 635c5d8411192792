// SPDX-License-Identifier: Apache-2.0
// What `segue check` says of broken [update], and of plugins and their options.
#include "core/cli/bad_config_test.hpp"

#define UPDATE GUEST MEMORY "[update]\n" // line 8; a row goes on at 9

namespace segue::cli {
namespace {

const Row kUpdateRows[] = {
    {"ModeIsAList", UPDATE "mode = [\"cpr-exec\"]\n",
     "g.toml:9:8: update.mode is [\"cpr-exec\"], but must be a name", "in quotes"},
    {"AllowIsAString", UPDATE "allow = \"cpr-exec\"\n",
     "g.toml:9:9: update.allow is \"cpr-exec\", but must be an array of names", "[\"a\", \"b\"]"},
    {"AllowHoldsANumber", UPDATE "allow = [1]\n",
     "g.toml:9:9: update.allow is [1], but must be an array of names", "[\"a\", \"b\"]"},
    {"AllowIsEmpty", UPDATE "mode = \"cpr-exec\"\nallow = []\n",
     "g.toml:10:9: update.allow is [], but must be an array that holds update.mode, \"cpr-exec\"",
     "add \"cpr-exec\""},
    {"AllowHoldsOneTwice", UPDATE "allow = [\"cpr-exec\", \"cpr-exec\"]\n",
     "g.toml:9:9: update.allow is [\"cpr-exec\", \"cpr-exec\"], but must be an array that holds "
     "each mode once",
     "\"cpr-exec\""},
    {"DeadlineIsANumber", UPDATE "deadline.copy = 10\n",
     "g.toml:9:17: update.deadline.copy is 10, but must be a duration", "us, ms, s or m"},
    {"DeadlineInHours", UPDATE "deadline.copy = \"1h\"\n",
     "g.toml:9:17: update.deadline.copy is \"1h\", but must be a duration", "us, ms, s or m"},
    {"DeadlineWithoutAUnit", UPDATE "deadline.copy = \"10\"\n",
     "g.toml:9:17: update.deadline.copy is \"10\", but must be a duration", "us, ms, s or m"},
    {"DeadlineBeyondAnHour", UPDATE "deadline.copy = \"61m\"\n",
     "g.toml:9:17: update.deadline.copy is \"61m\", but must be a duration such as \"200ms\" from "
     "1us to 60m",
     "us, ms, s or m"},
    {"DeadlineOverflows", UPDATE "deadline.copy = \"18446744073709551615m\"\n",
     "g.toml:9:17: update.deadline.copy is", "us, ms, s or m"},
    {"RingOfNoPowerOfTwo", UPDATE "dirty_ring_size = 3000\n",
     "g.toml:9:19: update.dirty_ring_size is 3000, but must be 0 or a power of two from 1024 to "
     "65536",
     "4096 is what most guests need"},
    {"BudgetIsASize", UPDATE "blackout_budget = \"1M\"\n",
     "g.toml:9:19: update.blackout_budget is \"1M\", but must be a duration", "us, ms, s or m"},
    {"BinaryIsEmpty", UPDATE "binary = \"\"\n",
     "g.toml:9:10: update.binary is \"\", but must be an absolute path", "from '/'"},
    {"ChannelTwice",
     UPDATE "channels.main = { transport = \"unix\" }\nchannels.main = { transport = \"tcp\" }\n",
     "g.toml:10:", "TOML"},
    {"ChannelsAreAList", UPDATE "channels = [ { transport = \"unix\" } ]\n",
     "g.toml:9:12: update.channels is an array, but must be a table", "{ key = value }"},
    {"ChannelKeyIsUnknown", UPDATE "channels.main = { transports = \"unix\" }\n",
     "g.toml:9:19: update.channels.main.transports is unknown; did you mean 'transport'?",
     "known here: transport"},
    {"ChannelWithASlash", UPDATE "channels.\"a/b\" = { transport = \"unix\" }\n",
     "g.toml:9:10: update.channels.\"a/b\" has a bad name, but must be a name of 1 to 63 letters "
     "a-z",
     "update.channels.main"},
    {"KeeperOptionsAreAString", UPDATE "keeper = \"exec\"\nkeeper_options = \"x\"\n",
     "g.toml:10:18: update.keeper_options is \"x\", but must be a table", "{ key = value }"},
};

const Row kPluginRows[] = {
    {"BackendIsUnknown", GUEST "[[memory]]\nid = \"a\"\nsize = \"16M\"\nbackend = \"memdf\"\n",
     "g.toml:7:11: memory[0].backend is \"memdf\", but must be a memory plugin that there is; did "
     "you mean 'memfd'?",
     "dax, file, hugetlbfs, memfd, private"},
    {"BackendIsATransport", GUEST "[[memory]]\nid = \"a\"\nsize = \"16M\"\nbackend = \"unix\"\n",
     "g.toml:7:11: memory[0].backend is \"unix\", but must be a memory plugin",
     "dax, file, hugetlbfs, memfd, private"},
    {"TransportIsUnknown", UPDATE "channels.main = { transport = \"unx\" }\n",
     "g.toml:9:31: update.channels.main.transport is \"unx\", but must be a transport plugin that "
     "there is; did you mean 'unix'?",
     "exec, fd, file, tcp, tls, unix"},
    {"ModeIsUnknown", UPDATE "mode = \"cpr-transfr\"\n",
     "g.toml:9:8: update.mode is \"cpr-transfr\", but must be a mode plugin that there is; did you "
     "mean 'cpr-transfer'?",
     "cpr-exec, cpr-reboot, cpr-transfer"},
    {"OneOfTheModesIsUnknown", UPDATE "allow = [\"cpr-exec\", \"teleport\"]\n",
     "g.toml:9:9: update.allow is [\"cpr-exec\", \"teleport\"], but each must be a mode plugin",
     "cpr-exec, cpr-reboot, cpr-transfer"},
    {"KeeperIsUnknown", UPDATE "keeper = \"systemd\"\n",
     "g.toml:9:10: update.keeper is \"systemd\", but must be a keeper plugin", "known here: exec"},
    {"FolderIsMissing", GUEST MEMORY "[plugins]\ndirs = [\"/no/such/folder\"]\n",
     "g.toml:9:8: plugins.dirs: search plugins in /no/such/folder", "plugins.dirs"},
    {"FolderIsAFile", GUEST MEMORY "[plugins]\ndirs = [\"/dev/null\"]\n",
     "g.toml:9:8: plugins.dirs:", "plugins.dirs"},
    {"OptionOfAPluginThatHasNone", GUEST MEMORY "options = { path = \"/x\" }\n",
     "g.toml:8:13: memory[0].options.path is unknown", "no key is known here"},
    {"OptionIsMisspelt",
     UPDATE "channels.a = { transport = \"unix\", options = { pth = \"/x\" } }\n",
     "g.toml:9:48: update.channels.a.options.pth is unknown; did you mean 'path'?",
     "known here: path, abstract, backlog"},
    {"OptionIsMissing", GUEST "[[memory]]\nid = \"a\"\nsize = \"16M\"\nbackend = \"file\"\n",
     "g.toml:7:11: memory[0].options.path is missing, but must be an absolute path",
     "memory[0].options"},
    {"OptionIsMissingInItsTable",
     GUEST "[[memory]]\nid = \"a\"\nsize = \"16M\"\nbackend = \"file\"\noptions = {}\n",
     "g.toml:8:11: memory[0].options.path is missing, but must be an absolute path",
     "memory[0].options"},
    {"OptionIsRelative",
     GUEST "[[memory]]\nid = \"a\"\nsize = \"16M\"\nbackend = \"file\"\n"
           "options = { path = \"ram\" }\n",
     "g.toml:8:20: memory[0].options.path is \"ram\", but must be an absolute path", "from '/'"},
    {"OptionOfAnotherType",
     UPDATE "channels.a = { transport = \"unix\", options = { backlog = \"16\" } }\n",
     "g.toml:9:58: update.channels.a.options.backlog is \"16\", but must be an integer from 1 to "
     "4096",
     "without quotes"},
    {"OptionBelowItsRange",
     UPDATE "channels.a = { transport = \"unix\", options = { backlog = 0 } }\n",
     "g.toml:9:58: update.channels.a.options.backlog is 0, but must be", "without quotes"},
    {"OptionAboveItsRange",
     UPDATE
     "channels.a = { transport = \"tcp\", options = { address = \"::1\", keepalive = 3601 } }"
     "\n",
     "g.toml:9:76: update.channels.a.options.keepalive is 3601, but must be an integer from 1 to "
     "3600",
     "without quotes"},
    {"OptionOfAWrongUnit",
     UPDATE "channels.a = { transport = \"file\", options = { reserve = \"1X\" } }\n",
     "g.toml:9:58: update.channels.a.options.reserve is \"1X\", but must be a size",
     "K, M, G or T"},
    {"OneOfTwoOptionsIsMissing",
     UPDATE "channels.a = { transport = \"exec\", options = { out = \"cat\" } }\n",
     "g.toml:9:46: update.channels.a.options.in is missing, but must be a string",
     "update.channels.a.options"},
    {"OptionOfAMode",
     UPDATE "mode = \"page-flip\"\noptions.page-flip = { chunk_stopp = \"5ms\" }\n",
     "g.toml:10:23: update.options.page-flip.chunk_stopp is unknown; did you mean 'chunk_stop'?",
     "known here: chunk_stop"},
    {"OptionsOfNoMode", UPDATE "mode = \"cpr-reboot\"\noptions.cpr-reboto = { ram = \"copy\" }\n",
     "g.toml:10:22: update.options.cpr-reboto is of a mode that there is not; did you mean "
     "'cpr-reboot'?",
     "cpr-exec, cpr-reboot, cpr-transfer"},
};

const Row kContradictions[] = {
    {"ModeWithoutItsChannel", UPDATE "mode = \"cpr-transfer\"\n",
     "g.toml:9:8: update.mode is \"cpr-transfer\", which needs a channel 'main'",
     "update.channels.main = { transport ="},
    {"AFileToAPeer", UPDATE "mode = \"cpr-transfer\"\nchannels.main = { transport = \"file\" }\n",
     "g.toml:10:31: update.channels.main.transport is \"file\", but must be one with 'streaming': "
     "mode cpr-transfer",
     "segue plugins"},
    {"ASocketToALaterProcess",
     UPDATE "allow = [\"cpr-reboot\"]\nchannels.main = { transport = \"unix\" }\n",
     "g.toml:10:31: update.channels.main.transport is \"unix\", but must be one with "
     "'persistent': mode cpr-reboot",
     "segue plugins"},
    {"ASocketToItself",
     UPDATE "mode = \"cpr-exec\"\nchannels.main = { transport = \"file\" }\n"
            "channels.at-rest = { transport = \"tcp\", options.address = "
            "\"127.0.0.1:4444\" }\n",
     "g.toml:11:34: update.channels.at-rest.transport is \"tcp\", but must be one with "
     "'persistent': mode cpr-exec",
     "segue plugins"},
};

class BadUpdate : public BadConfig {};

TEST_P(BadUpdate, IsRefusedWithItsPlaceAndAWayOut) {
    write(GetParam().toml);
    expect_refused();
}
INSTANTIATE_TEST_SUITE_P(Update, BadUpdate, testing::ValuesIn(kUpdateRows), name_of);
INSTANTIATE_TEST_SUITE_P(Plugins, BadUpdate, testing::ValuesIn(kPluginRows), name_of);
INSTANTIATE_TEST_SUITE_P(Contradictions, BadUpdate, testing::ValuesIn(kContradictions), name_of);

} // namespace
} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
// What `segue check` says of broken [guest], [[memory]], [console] and [control], beside the rows
// of core/config/schema_test.cpp.
#include "core/cli/bad_config_test.hpp"

namespace segue::cli {
namespace {

const Row kGuestRows[] = {
    {"NameIsABoolean", "[guest]\nname = true\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is true, but must be a name", "in quotes"},
    {"NameIsAnArray", "[guest]\nname = [\"a\"]\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is [\"a\"], but must be a name", "in quotes"},
    {"NameIsEmpty", "[guest]\nname = \"\"\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is \"\", but must be a name of 1 to 63", "in quotes"},
    {"NameHasASlash", "[guest]\nname = \"a/b\"\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is \"a/b\", but must be a name", "in quotes"},
    {"NameIsTheParent", "[guest]\nname = \"..\"\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is \"..\", but must be a name", "in quotes"},
    {"NameEndsWithADash", "[guest]\nname = \"web1-\"\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is \"web1-\", but must be a name", "in quotes"},
    {"NameHasANul", "[guest]\nname = \"a\\u0000\"\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is \"a\\u0000\", but must be a name", "in quotes"},
    {"NameIsTooLong", "[guest]\nname = \"" + std::string(64, 'a') + "\"\nkernel = \"/k\"\n" MEMORY,
     "g.toml:2:8: guest.name is \"aaaa", "in quotes"},
    {"NameTwice", GUEST "name = \"b\"\n" MEMORY, "g.toml:4:", "TOML"},
    {"GuestTwice", GUEST MEMORY "[guest]\nvcpus = 1\n", "g.toml:8:", "TOML"},
    {"GuestIsAString", "guest = \"web1\"\n" MEMORY,
     "g.toml:1:9: guest is a string, but must be a table", "{ key = value }"},
    {"GuestIsAList", "[[guest]]\nname = \"a\"\n" MEMORY,
     "g.toml:1:1: guest is an array, but must be a table", "{ key = value }"},
    {"KeyInCapitals", GUEST "VCPUs = 2\n" MEMORY, "g.toml:4:1: guest.VCPUs is unknown",
     "known here: name, vcpus"},
    {"VcpusIsABoolean", GUEST "vcpus = true\n" MEMORY,
     "g.toml:4:9: guest.vcpus is true, but must be an integer from 1 to 64", "without quotes"},
    {"VcpusIsMoreThan64Bits", GUEST "vcpus = 99999999999999999999\n" MEMORY,
     "not representable in 64 bits", "TOML"},
    {"VcpusIsTheLargestInteger", GUEST "vcpus = 9223372036854775807\n" MEMORY,
     "g.toml:4:9: guest.vcpus is 9223372036854775807, but must be an integer from 1 to 64",
     "without quotes"},
    {"VcpusHasAUnit", GUEST "vcpus = 2K\n" MEMORY, "g.toml:4:10:", "TOML"},
    {"VcpusIsInfinite", GUEST "vcpus = inf\n" MEMORY,
     "g.toml:4:9: guest.vcpus is inf, but must be an integer", "without quotes"},
    {"VcpusIsADay", GUEST "vcpus = 2026-01-01\n" MEMORY, "g.toml:4:9: dates and times", "number"},
    {"KernelIsEmpty", "[guest]\nname = \"a\"\nkernel = \"\"\n" MEMORY,
     "g.toml:3:10: guest.kernel is \"\", but must be an absolute path", "from '/'"},
    {"KernelIsRelative", "[guest]\nname = \"a\"\nkernel = \"../k\"\n" MEMORY,
     "g.toml:3:10: guest.kernel is \"../k\", but must be an absolute path", "from '/'"},
    {"KernelIsMissing", "[guest]\nname = \"a\"\n" MEMORY,
     "g.toml:1:1: guest.kernel is missing, but must be an absolute path", "add it"},
    {"InitrdIsRelative", GUEST "initrd = \"initrd.img\"\n" MEMORY,
     "g.toml:4:10: guest.initrd is \"initrd.img\", but must be an absolute path", "from '/'"},
    {"InitrdIsMisspelt", GUEST "initrds = \"/i\"\n" MEMORY, "g.toml:4:1: guest.initrds is unknown",
     "initrd"},
    {"CmdlineIsANumber", GUEST "cmdline = 1\n" MEMORY,
     "g.toml:4:11: guest.cmdline is 1, but must be a string", "in quotes"},
    {"CmdlineHasANul", GUEST "cmdline = \"a\\u0000b\"\n" MEMORY,
     "g.toml:4:11: guest.cmdline is \"a\\u0000b\", but must be a string without NUL bytes",
     "in quotes"},
};

const Row kMemoryRows[] = {
    {"NoBlocks", "memory = []\n" GUEST, "g.toml:1:1: memory is missing", "[[memory]]"},
    {"BlocksOfNumbers", "memory = [1]\n" GUEST,
     "g.toml:1:11: memory[0] is an integer, but must be a table", "{ key = value }"},
    {"SizeIsNegative", GUEST "[[memory]]\nid = \"a\"\nsize = \"-1M\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"-1M\", but must be a size", "K, M, G or T"},
    {"SizeInSmallLetters", GUEST "[[memory]]\nid = \"a\"\nsize = \"512m\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"512m\", but must be a size", "K, M, G or T"},
    {"SizeInMiB", GUEST "[[memory]]\nid = \"a\"\nsize = \"512MiB\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"512MiB\", but must be a size", "K, M, G or T"},
    {"SizeWithASpace", GUEST "[[memory]]\nid = \"a\"\nsize = \"512 M\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"512 M\", but must be a size", "K, M, G or T"},
    {"SizeWithAPoint", GUEST "[[memory]]\nid = \"a\"\nsize = \"0.5G\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"0.5G\", but must be a size", "K, M, G or T"},
    {"SizeIsZero", GUEST "[[memory]]\nid = \"a\"\nsize = \"0\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"0\", but must be a size", "K, M, G or T"},
    {"SizeIsMoreThan64Bits",
     GUEST "[[memory]]\nid = \"a\"\nsize = \"99999999999999999999\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"99999999999999999999\", but must be a size", "K, M, G or T"},
    {"SizeOverflowsByItsUnit",
     GUEST "[[memory]]\nid = \"a\"\nsize = \"9999999999T\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"9999999999T\", but must be a size", "K, M, G or T"},
    {"SizeIsMoreThanAGuestCanAddress",
     GUEST "[[memory]]\nid = \"a\"\nsize = \"65T\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"65T\", but must be a size such as \"512M\" from 16M to 64T",
     "K, M, G or T"},
    {"SizeIsNoMultipleOfAPage",
     GUEST "[[memory]]\nid = \"a\"\nsize = \"33554433\"\nbackend = \"memfd\"\n",
     "g.toml:6:8: memory[0].size is \"33554433\", but must be a multiple of 4096 bytes",
     "\"33554432\" or \"33558528\""},
    {"BackendIsMissing", GUEST "[[memory]]\nid = \"a\"\nsize = \"16M\"\n",
     "g.toml:4:1: memory[0].backend is missing", "add it"},
    {"BackendIsAPath", GUEST "[[memory]]\nid = \"a\"\nsize = \"16M\"\nbackend = \"/x.so\"\n",
     "g.toml:7:11: memory[0].backend is \"/x.so\", but must be a name", "in quotes"},
    {"IdIsMissing", GUEST "[[memory]]\nsize = \"16M\"\nbackend = \"memfd\"\n",
     "g.toml:4:1: memory[0].id is missing", "add it"},
    {"IdOfABlockBefore",
     GUEST MEMORY "[[memory]]\nid = \"b\"\nsize = \"16M\"\nbackend = \"memfd\"\n"
                  "[[memory]]\nid = \"ram0\"\nsize = \"16M\"\n"
                  "backend = \"memfd\"\n",
     "g.toml:13:6: memory[2].id is \"ram0\", but must be another name", "memory[0]"},
};

const Row kPlaceRows[] = {
    {"ConsoleIsAString", "console = \"pty\"\n" GUEST MEMORY,
     "g.toml:1:11: console is a string, but must be a table", "{ key = value }"},
    {"ConsoleInCapitals", GUEST MEMORY "[console]\nbackend = \"PTY\"\n",
     "g.toml:9:11: console.backend is \"PTY\", but must be one of none, stdio, file, pty",
     "in quotes"},
    {"ConsolePathIsRelative", GUEST MEMORY "[console]\nbackend = \"file\"\npath = \"log\"\n",
     "g.toml:10:8: console.path is \"log\", but must be an absolute path", "from '/'"},
    {"ConsolePathOfAPty", GUEST MEMORY "[console]\nbackend = \"pty\"\npath = \"/log\"\n",
     "g.toml:10:8: console.path is \"/log\", but must be absent where console.backend is \"pty\"",
     "console.backend = \"file\""},
    {"SocketModeIsANumber", GUEST MEMORY "[control]\nsocket = { mode = 660 }\n",
     "g.toml:9:19: control.socket.mode is 660, but must be a string", "in quotes"},
    {"SocketModeWithALeadingZero", GUEST MEMORY "[control]\nsocket = { mode = 0660 }\n",
     "g.toml:9:", "TOML"},
    {"SocketModeOfThreeDigits", GUEST MEMORY "[control]\nsocket = { mode = \"660\" }\n",
     "g.toml:9:19: control.socket.mode is \"660\", but must be four octal digits", "0660"},
    {"SocketModeInLetters", GUEST MEMORY "[control]\nsocket = { mode = \"rw-rw----\" }\n",
     "g.toml:9:19: control.socket.mode is \"rw-rw----\", but must be four octal digits", "0660"},
    {"PluginDirsHoldANumber", GUEST MEMORY "[plugins]\ndirs = [1]\n",
     "g.toml:9:8: plugins.dirs is [1], but must be an array of absolute paths", "from '/'"},
};

class BadGuest : public BadConfig {};

TEST_P(BadGuest, IsRefusedWithItsPlaceAndAWayOut) {
    write(GetParam().toml);
    expect_refused();
}
INSTANTIATE_TEST_SUITE_P(Guest, BadGuest, testing::ValuesIn(kGuestRows), name_of);
INSTANTIATE_TEST_SUITE_P(Memory, BadGuest, testing::ValuesIn(kMemoryRows), name_of);
INSTANTIATE_TEST_SUITE_P(Places, BadGuest, testing::ValuesIn(kPlaceRows), name_of);

} // namespace
} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
// What `segue check` says of malformed --set, and of files that are no configuration.
#include <sys/stat.h>

#include "core/cli/bad_config_test.hpp"

namespace segue::cli {
namespace {

std::string repeated(const std::string& text, std::size_t times) {
    std::string all;
    all.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        all += text;
    return all;
}

// `toml` is the override, to a configuration that is right.
const Row kOverrides[] = {
    {"Nothing", "", "--set : there is no '=' in it", "--set guest.vcpus=2"},
    {"OnlyAnEqualsSign", "=", "--set =: its key is malformed", "--set guest.vcpus=2"},
    {"TwoDots", "guest..name=a", "--set guest..name=a: its key is malformed",
     "--set guest.vcpus=2"},
    {"ADotFirst", ".guest=1", "--set .guest=1: its key is malformed", "--set guest.vcpus=2"},
    {"AnOpenBracket", "memory[0=1", "--set memory[0=1: its key is malformed", "memory[0].size"},
    {"NoIndex", "memory[].size=1G", "--set memory[].size=1G: its key is malformed",
     "memory[0].size"},
    {"ANegativeIndex", "memory[-1].size=1G", "its key is malformed", "memory[0].size"},
    {"AnIndexBeyond64Bits", "memory[99999999999999999999].size=1G", "its key is malformed",
     "memory[0].size"},
    {"TextBehindTheIndex", "memory[0]x.size=1G", "its key is malformed", "memory[0].size"},
    {"OnlyAnIndex", "[0]=1", "--set [0]=1: its key is malformed", "memory[0].size"},
    {"AListWithoutIndex", "memory.size=1G",
     "--set memory.size=1G: what stands before 'size' is not a table", "memory[0].size"},
    {"AnIndexOfATable", "guest[0].name=a", "--set guest[0].name=a: there is no guest[0]",
     "memory[0].size"},
    {"NoValue", "guest.vcpus=", "--set guest.vcpus=: guest.vcpus is \"\", but must be an integer",
     "without quotes"},
    {"TwoValues", "guest.vcpus=2 3", "--set guest.vcpus=2 3: guest.vcpus is \"2 3\", but must be",
     "without quotes"},
    {"AMisspeltTable", "gest.vcpus=2", "--set gest.vcpus=2: gest is unknown; did you mean 'guest'?",
     "known here: guest, memory"},
    {"NotUtf8", "guest.cmdline=\xff\xfe", "--set guest.cmdline=??: it is not UTF-8",
     "--set guest.vcpus=2"},
    {"AnotherType", "memory[0]=5",
     "--set memory[0]=5: memory[0] is an integer, but must be a table", "{ key = value }"},
    {"AnUnknownPlugin", "memory[0].backend=memfs",
     "--set memory[0].backend=memfs: memory[0].backend is \"memfs\", but must be a memory plugin "
     "that there is; did you mean 'memfd'?",
     "memfd"},
    {"AnUnknownOption", "memory[0].options.seal=true",
     "--set memory[0].options.seal=true: memory[0].options.seal is unknown", "no key is known"},
    {"AContradiction", "update.mode=cpr-exec",
     "--set update.mode=cpr-exec: update.mode is \"cpr-exec\", which needs a channel 'main'",
     "update.channels.main"},
    {"ADeepKey", repeated("a.", 50000) + "a=1", ": its key has more than 32 parts",
     "--set guest.vcpus=2"},
    {"ADeepValue", "memory[0].options=" + repeated("[", 50000), "[...: memory[0].options is \"[[[",
     "{ key = value }"},
};

class BadOverride : public BadConfig {};
TEST_P(BadOverride, IsNamedWithAWayOut) {
    write(GUEST MEMORY);
    expect_refused({GetParam().toml});
}
INSTANTIATE_TEST_SUITE_P(Set, BadOverride, testing::ValuesIn(kOverrides), name_of);

const Row kTexts[] = {
    {"Empty", "", "g.toml:1:1: guest.name is missing", "add it"},
    {"Prose", "Dear VMM, please start my guest.\n", "g.toml:1:", "TOML"},
    {"Json", "{\"guest\": {\"name\": \"a\"}}\n", "g.toml:1:", "TOML"},
    {"NotUtf8InAComment", GUEST "# caf\xe9\n" MEMORY, "g.toml:4:", "UTF-8"},
    {"NotUtf8InAKey", GUEST "caf\xe9 = 1\n" MEMORY, "g.toml:4:", "UTF-8"},
    {"Utf16", std::string("\xff\xfe[\0g\0u\0", 8), "g.toml:1:", "UTF-8"},
    {"ANulByte", GUEST + std::string("cmdline = \"a\0b\"\n", 16), "g.toml:4:", "TOML"},
    {"OnlyNulBytes", std::string(4096, '\0'), "g.toml:1:", "TOML"},
    {"AnOpenString", GUEST "cmdline = \"a\n" MEMORY, "g.toml:4:", "TOML"},
    {"DeepArrays", GUEST "cmdline = " + repeated("[", 100000) + "\n", "g.toml:4:", "TOML"},
    {"DeepTables", GUEST "cmdline = " + repeated("{a=", 100000) + "\n", "g.toml:4:", "TOML"},
    {"DeepKeys", GUEST + repeated("a.", 100000) + "a = 1\n", "g.toml:4:", "TOML"},
    {"DeepHeadings", GUEST "[" + repeated("a.", 100000) + "a]\n", "g.toml:4:", "TOML"},
    {"AHugeKey", GUEST + std::string(500000, 'a') + " = 1\n", "g.toml:4:1: guest.aaaa",
     "known here: name"},
};

class BadText : public BadConfig {};
TEST_P(BadText, IsRefusedWithItsPlace) {
    write(GetParam().toml);
    expect_refused();
}
INSTANTIATE_TEST_SUITE_P(File, BadText, testing::ValuesIn(kTexts), name_of);

using Make = void (*)(const std::filesystem::path&);
struct FileRow {
    Row row;
    Make make;
};
void PrintTo(const FileRow& row, std::ostream* out) {
    *out << row.row.name;
}
const FileRow kFiles[] = {
    {{"Missing", "", "g.toml", "check the path"}, [](const auto&) {}},
    {{"AFolder", "", "g.toml: it is not a regular file", "text file"},
     [](const auto& p) { std::filesystem::create_directory(p); }},
    {{"APipe", "", "g.toml: it is not a regular file", "text file"},
     [](const auto& p) { ASSERT_EQ(::mkfifo(p.c_str(), 0600), 0); }},
    {{"ALinkToNothing", "", "g.toml", "check the path"},
     [](const auto& p) { std::filesystem::create_symlink("/no/such/file", p); }},
    {{"AHundredMebibytes", "", "g.toml: it is larger than 1048576 bytes", "a few kilobytes"},
     [](const auto& p) {
         std::ofstream(p).close();
         std::filesystem::permissions(p, std::filesystem::perms(0600));
         std::filesystem::resize_file(p, 100u << 20);
     }},
    {{"WritableByAll", "", "g.toml can be written by others", "chmod go-w"},
     [](const auto& p) {
         std::ofstream(p) << GUEST MEMORY;
         std::filesystem::permissions(p, std::filesystem::perms(0666));
     }},
    {{"InAFolderOfEverybody", "", "can be written by others", "chmod go-w"},
     [](const auto& p) {
         std::ofstream(p) << GUEST MEMORY;
         std::filesystem::permissions(p.parent_path(), std::filesystem::perms(0777));
     }},
};

class BadFile : public testing::TestWithParam<FileRow> {};
TEST_P(BadFile, IsNamedWithAWayOut) {
    const TempDir dir;
    const std::filesystem::path file = dir / "g.toml";
    GetParam().make(file);
    const auto config = checked_config(file, {});
    ASSERT_FALSE(config) << "accepted";
    EXPECT_THAT(config.error().what(), testing::HasSubstr(GetParam().row.what));
    EXPECT_THAT(config.error().way_out(), testing::HasSubstr(GetParam().row.way_out));
}
INSTANTIATE_TEST_SUITE_P(File, BadFile, testing::ValuesIn(kFiles),
                         [](const auto& f) { return f.param.row.name; });

} // namespace
} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
#include "core/state/inspect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/state/sample.hpp"

namespace segue::state {
namespace {

using testing::HasSubstr;

TEST(Inspect, TextShowsEveryKindOfValue) {
    const auto bytes = make_sample();
    const auto reader = Reader::parse(bytes);
    ASSERT_TRUE(reader);
    const std::string text = inspect_text(*reader);
    EXPECT_THAT(text, HasSubstr("guest       00112233-4455-6677-8899-aabbccddeeff\n"));
    EXPECT_THAT(text, HasSubstr("generation  7\nattempt     3\nmachine     segue-1\n"));
    EXPECT_THAT(text, HasSubstr("\n[cpu 0] revision 2\n  small = 23\n"));
    EXPECT_THAT(text, HasSubstr("  smallest = -9223372036854775808\n"));
    EXPECT_THAT(text, HasSubstr("  halted = true\n"));
    EXPECT_THAT(text, HasSubstr("  name = \"Gr\xc3\xbc\xc3\x9f"
                                "e\"\n"));
    EXPECT_THAT(text, HasSubstr("  regs = bytes[3] 00ff80\n"));
    EXPECT_THAT(text, HasSubstr("\n[nothing] revision 1\n"));
    EXPECT_TRUE(reader->all_taken().code() == Code::Unsupported) << "looking restores nothing";
}

TEST(Inspect, LongBytesAreCutInTextOnly) {
    const std::vector<std::byte> page(17, std::byte{0xab});
    Writer w(sample_header());
    w.begin("p", "", 1);
    w.put_bytes("page", page);
    w.put_text("odd\x1b\"key", "\x1b[2J");
    w.end();
    const auto all = w.finish();
    const auto reader = Reader::parse(all);
    ASSERT_TRUE(reader);
    EXPECT_THAT(inspect_text(*reader),
                HasSubstr("bytes[17] abababababababababababababababab...\n"));
    EXPECT_THAT(inspect_json(*reader),
                HasSubstr("{\"hex\":\"ababababababababababababababababab\"}"));
    EXPECT_THAT(inspect_json(*reader), HasSubstr("\"odd\\u001b\\\"key\":\"\\u001b[2J\""));
    EXPECT_EQ(inspect_text(*reader).find('\x1b'), std::string::npos) << "a key may hold anything";
}

std::vector<std::byte> container(std::uint32_t generation, std::uint64_t rip, bool serial) {
    Header h = sample_header();
    h.generation = generation;
    Writer w(h);
    w.begin("vcpu", "0", 1);
    w.put("rip", rip);
    w.put("same", 5);
    if (serial)
        w.put_text("extra", "x");
    w.end();
    if (serial) {
        w.begin("serial", "", 1);
        w.end();
    }
    const auto all = w.finish();
    return {all.begin(), all.end()};
}

TEST(Inspect, DiffNamesEachFieldOnBothSides) {
    const auto a = container(7, 16, false), b = container(8, 17, true);
    const auto left = Reader::parse(a), right = Reader::parse(b);
    ASSERT_TRUE(left && right);
    EXPECT_EQ(inspect_diff(*left, *left), "");
    EXPECT_EQ(inspect_diff(*left, *right), "- generation  7\n"
                                           "+ generation  8\n"
                                           "- [vcpu 0] rip = 16\n"
                                           "+ [vcpu 0] rip = 17\n"
                                           "+ [vcpu 0] extra = \"x\"\n"
                                           "+ [serial]\n");
    EXPECT_THAT(inspect_diff(*right, *left), HasSubstr("- [serial]\n"));
}

} // namespace
} // namespace segue::state

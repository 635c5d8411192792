// SPDX-License-Identifier: Apache-2.0
// Containers that are damaged or made up: each is refused, and says why.
#include <gtest/gtest.h>

#include "core/state/layout.hpp"
#include "core/state/reader.hpp"
#include "core/state/sample.hpp"

namespace segue::state {
namespace {

using Container = std::vector<std::byte>;

std::string refusal(const Container& bytes) {
    const auto r = Reader::parse(bytes);
    return r ? "accepted" : r.error().what();
}

TEST(Hostile, EverySingleByteFlipIsRefused) {
    const Container good = make_sample();
    for (std::size_t i = 0; i < good.size(); ++i)
        for (const auto mask : {std::byte{0x01}, std::byte{0x80}, std::byte{0xff}}) {
            Container bad = good;
            bad[i] ^= mask;
            const bool in_word = i >= kWordOffset && i < layout::kAfterWord;
            EXPECT_EQ(Reader::parse(bad).ok(), in_word) << "byte " << i;
        }
}

TEST(Hostile, EveryTruncationAndExtensionIsRefused) {
    const Container good = make_sample();
    for (std::size_t n = 0; n < good.size(); ++n)
        EXPECT_FALSE(Reader::parse(Container(good.begin(), good.begin() + static_cast<long>(n))))
            << n << " bytes";
    Container longer = good;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(Reader::parse(longer));
}

TEST(Hostile, AnotherFormatVersionIsUnsupported) {
    Container bytes = make_sample();
    layout::store<std::uint32_t>(bytes, layout::kFormat, 2);
    const auto r = Reader::parse(bytes);
    ASSERT_EQ(r.code(), Code::Unsupported);
    EXPECT_NE(r.error().what().find("format version 2, this program reads 1"), std::string::npos);
    EXPECT_FALSE(r.error().way_out().empty());
}

TEST(Hostile, ADamagedSectionIsNamed) {
    Container bytes = make_sample();
    bytes[layout::kHeaderSize + layout::kPayload + 5] ^= std::byte{1};
    EXPECT_EQ(refusal(bytes), "section 'cpu' (instance '0'): it does not match its checksum");
}

TEST(Hostile, AClaimedLengthIsNotBelieved) {
    Container bytes = make_sample();
    layout::store<std::uint64_t>(bytes, layout::kHeaderSize + layout::kLength, ~0ull);
    EXPECT_NE(refusal(bytes).find("section 'cpu' (instance '0'): it claims 18446744073709551615"),
              std::string::npos);
}

struct Case {
    const char* what;
    std::string payload;
    const char* expect; // behind "section 'forged': "
};

std::string bytes(std::initializer_list<int> list) {
    std::string s;
    for (const int b : list)
        s += static_cast<char>(b);
    return s;
}

TEST(Hostile, ForgedSections) {
    const std::vector<Case> cases = {
        {"good", bytes({0xa1, 0x61, 'a', 1}), nullptr},
        {"long form of a number", bytes({0xa1, 0x61, 'a', 0x1b, 0, 0, 0, 0, 0, 0, 0, 1}), nullptr},
        {"nothing", "", "its CBOR ends inside an item"},
        {"no map", bytes({0x01}), "it is not a CBOR map of definite length"},
        {"indefinite map", bytes({0xbf, 0xff}), "it is not a CBOR map of definite length"},
        {"array", bytes({0x80}), "it is not a CBOR map of definite length"},
        {"huge map", bytes({0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
         "it claims 18446744073709551615 fields; at most 4096 are allowed"},
        {"4097 fields", bytes({0xb9, 0x10, 0x01}), "it claims 4097 fields; at most 4096"},
        {"map with too few items", bytes({0xa2, 0x61, 'a', 1}), "its CBOR ends inside an item"},
        {"trailing bytes", bytes({0xa1, 0x61, 'a', 1, 0, 0}), "2 bytes follow its CBOR map"},
        {"duplicate key", bytes({0xa2, 0x61, 'a', 1, 0x61, 'a', 2}), "key 'a' stands twice"},
        {"number as key", bytes({0xa1, 1, 1}), "a key is not UTF-8 text"},
        {"key not UTF-8", bytes({0xa1, 0x61, 0xff, 1}), "a key is not UTF-8 text"},
        {"text not UTF-8", bytes({0xa1, 0x61, 'a', 0x62, 0xc0, 0x80}),
         "key 'a' holds text that is not UTF-8"},
        {"nested map", bytes({0xa1, 0x61, 'a', 0xa0}), "key 'a' holds what is neither"},
        {"nested array", bytes({0xa1, 0x61, 'a', 0x80}), "key 'a' holds what is neither"},
        {"indefinite text", bytes({0xa1, 0x61, 'a', 0x7f, 0xff}), "key 'a' holds what is neither"},
        {"indefinite bytes", bytes({0xa1, 0x61, 'a', 0x5f, 0xff}), "key 'a' holds what is neither"},
        {"null", bytes({0xa1, 0x61, 'a', 0xf6}), "key 'a' holds what is neither"},
        {"undefined", bytes({0xa1, 0x61, 'a', 0xf7}), "key 'a' holds what is neither"},
        {"half float", bytes({0xa1, 0x61, 'a', 0xf9, 0, 0}), "key 'a' holds what is neither"},
        {"tag", bytes({0xa1, 0x61, 'a', 0xc1, 0}), "key 'a' holds what is neither"},
        {"break", bytes({0xa1, 0x61, 'a', 0xff}), "key 'a' holds what is neither"},
        {"reserved", bytes({0xa1, 0x61, 'a', 0x1c}), "its CBOR is malformed"},
        {"text longer than the section", bytes({0xa1, 0x61, 'a', 0x7a, 0xff, 0xff, 0xff, 0xff}),
         "its CBOR ends inside an item"},
        {"bytes of 2^64-1",
         bytes({0xa1, 0x61, 'a', 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
         "its CBOR ends inside an item"},
        {"below 64 bits", bytes({0xa1, 0x61, 'a', 0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0}),
         "key 'a' is below the 64-bit"},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.what);
        const std::string got = refusal(forge("forged", std::as_bytes(std::span(c.payload))));
        if (c.expect == nullptr)
            EXPECT_EQ(got, "accepted");
        else
            EXPECT_EQ(got.find(std::string("section 'forged': ") + c.expect), 0u) << got;
    }
}

TEST(Hostile, SectionsStandOnce) {
    Writer w(sample_header());
    for (int i = 0; i < 2; ++i) {
        w.begin("cpu", "0", 1);
        w.end();
    }
    const auto all = w.finish();
    EXPECT_EQ(refusal({all.begin(), all.end()}), "section 'cpu' (instance '0'): it stands twice");
}

} // namespace
} // namespace segue::state

// SPDX-License-Identifier: Apache-2.0
// What is written reads back; the frozen samples of every released format too.
#include <fstream>
#include <iterator>
#include <limits>

#include <gtest/gtest.h>

#include "core/state/layout.hpp"
#include "core/state/reader.hpp"
#include "core/state/sample.hpp"

namespace segue::state {
namespace {

std::vector<std::byte> read_file(const std::string& name) {
    std::ifstream in(SEGUE_TESTDATA "/" + name, std::ios::binary);
    const std::string all((std::istreambuf_iterator<char>(in)), {});
    const auto bytes = std::as_bytes(std::span(all));
    return {bytes.begin(), bytes.end()};
}

void expect_sample_header(const Header& h) {
    const Header want = sample_header();
    EXPECT_EQ(h.guest, want.guest);
    EXPECT_EQ(h.generation, 7u);
    EXPECT_EQ(h.attempt, 3u);
    EXPECT_EQ(h.machine, "segue-1");
    EXPECT_EQ(h.creator, "0.1.0");
    EXPECT_EQ(h.word, 0x0102030405060708u);
}

void expect_sample(const Reader& r) {
    expect_sample_header(r.header());
    const Section& cpu0 = **r.take("cpu", "0");
    EXPECT_EQ(cpu0.revision(), 2u);
    EXPECT_EQ(*cpu0.number("small"), 23u);
    EXPECT_EQ(*cpu0.number("byte"), 200u);
    EXPECT_EQ(*cpu0.number("half"), 60000u);
    EXPECT_EQ(*cpu0.number("word"), 4000000000u);
    EXPECT_EQ(*cpu0.number("largest"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(*cpu0.signed_number("positive"), 5);
    EXPECT_EQ(*cpu0.signed_number("negative"), -1);
    EXPECT_EQ(*cpu0.signed_number("smallest"), std::numeric_limits<std::int64_t>::min());
    EXPECT_TRUE(*cpu0.flag("halted"));
    EXPECT_FALSE(*cpu0.flag("ready"));
    const Section& cpu1 = **r.take("cpu", "1");
    EXPECT_EQ(*cpu1.text("name"), "Gr\xc3\xbc\xc3\x9f"
                                  "e");
    EXPECT_EQ(*cpu1.text("empty"), "");
    std::array<std::byte, 3> regs = {};
    ASSERT_TRUE(cpu1.copy("regs", regs));
    EXPECT_EQ(regs, (std::array{std::byte{0}, std::byte{0xff}, std::byte{0x80}}));
    EXPECT_TRUE((*r.take("nothing"))->fields().empty());
    EXPECT_TRUE(r.all_taken());
}

TEST(Container, RoundTrip) {
    const auto bytes = make_sample();
    const auto reader = Reader::parse(bytes);
    ASSERT_TRUE(reader) << reader.error().what();
    ASSERT_EQ(reader->sections().size(), 3u);
    expect_sample(*reader);
}

TEST(Container, FrozenSampleOfVersion1) {
    const auto bytes = read_file("v1.segue");
    const auto reader = Reader::parse(bytes);
    ASSERT_TRUE(reader) << reader.error().what();
    expect_sample(*reader);
}

TEST(Container, TheWordMayChange) {
    auto bytes = make_sample();
    layout::store<std::uint64_t>(bytes, kWordOffset, 42);
    const auto reader = Reader::parse(bytes);
    ASSERT_TRUE(reader) << reader.error().what();
    EXPECT_EQ(reader->header().word, 42u);
}

TEST(Container, NothingIsAllocatedAfterReserve) {
    Writer w(sample_header());
    w.reserve(1 << 20);
    const auto* base = w.finish().data();
    w.restart(sample_header());
    const std::vector<std::byte> big(3000, std::byte{1});
    for (int i = 0; i < 300; ++i) {
        w.begin("bulk", std::to_string(i), 1);
        w.put_bytes("page", big);
        w.end();
    }
    const auto all = w.finish();
    EXPECT_EQ(all.data(), base);
    EXPECT_GT(all.size(), 900000u);
    EXPECT_TRUE(Reader::parse(all));
}

TEST(Container, RestartForgetsTheSections) {
    Writer w(sample_header());
    w.begin("old", "", 1);
    w.put("x", 1);
    w.end();
    w.finish();
    w.restart(sample_header());
    const auto all = w.finish();
    const auto reader = Reader::parse(all);
    ASSERT_TRUE(reader) << reader.error().what();
    EXPECT_TRUE(reader->sections().empty());
}

TEST(Container, ManyFieldsInOneSection) {
    Writer w(sample_header());
    w.begin("wide", "", 1);
    for (std::uint64_t i = 0; i < 4096; ++i)
        w.put("k" + std::to_string(i), i);
    w.end();
    const auto all = w.finish();
    const auto reader = Reader::parse(all);
    ASSERT_TRUE(reader) << reader.error().what();
    EXPECT_EQ(*(*reader->take("wide"))->number("k4095"), 4095u);
}

TEST(Container, ASectionThatNobodyTookIsNamed) {
    const auto bytes = make_sample();
    const auto reader = Reader::parse(bytes);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->take_all("cpu").size(), 2u);
    const auto left = reader->all_taken();
    ASSERT_EQ(left.code(), Code::Unsupported);
    EXPECT_EQ(left.error().detail("section"), "nothing");
    EXPECT_NE(left.error().what().find("section 'nothing'"), std::string::npos);
    EXPECT_NE(left.error().way_out().find("0.1.0"), std::string::npos);
}

TEST(Container, MissingThingsAreNamed) {
    const auto bytes = make_sample();
    const auto reader = Reader::parse(bytes);
    ASSERT_TRUE(reader);
    const auto section = reader->take("cpu", "2");
    ASSERT_EQ(section.code(), Code::NotFound);
    EXPECT_EQ(section.error().what(),
              "section 'cpu' (instance '2'): the state container does not hold it");
    const Section& cpu0 = **reader->take("cpu", "0");
    EXPECT_EQ(cpu0.find("none"), nullptr);
    EXPECT_EQ(cpu0.number("none").error().what(),
              "section 'cpu' (instance '0'): key 'none' is missing");
    EXPECT_EQ(cpu0.number("negative").error().what(),
              "section 'cpu' (instance '0'): key 'negative' is not an unsigned number");
    EXPECT_EQ(cpu0.signed_number("largest").code(), Code::Corrupt);
    EXPECT_EQ(cpu0.flag("small").code(), Code::Corrupt);
    EXPECT_EQ(cpu0.text("small").code(), Code::Corrupt);
    std::array<std::byte, 4> wrong = {};
    const auto copied = (*reader->take("cpu", "1"))->copy("regs", wrong);
    ASSERT_EQ(copied.code(), Code::Corrupt);
    EXPECT_EQ(copied.error().detail("key"), "regs");
    EXPECT_NE(copied.error().what().find("has 3 bytes, 4 are expected"), std::string::npos);
}

} // namespace
} // namespace segue::state

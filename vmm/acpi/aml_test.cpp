// SPDX-License-Identifier: Apache-2.0
#include "vmm/acpi/aml.hpp"

#include <gtest/gtest.h>

#include "vmm/acpi/resources.hpp"

namespace segue::vmm::acpi {
namespace {

TEST(Aml, IntegersTakeTheirShortestForm) {
    EXPECT_EQ(integer(0), Bytes({0x00}));
    EXPECT_EQ(integer(1), Bytes({0x01}));
    EXPECT_EQ(integer(2), Bytes({0x0a, 2}));
    EXPECT_EQ(integer(0xff), Bytes({0x0a, 0xff}));
    EXPECT_EQ(integer(0x100), Bytes({0x0b, 0x00, 0x01}));
    EXPECT_EQ(integer(0x10000), Bytes({0x0c, 0, 0, 1, 0}));
    EXPECT_EQ(integer(1ull << 32), Bytes({0x0e, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(Aml, EisaIdsAreAsTheSpecificationsExample) {
    EXPECT_EQ(eisa_id("PNP0A03"), Bytes({0x0c, 0x41, 0xd0, 0x0a, 0x03}));
}

TEST(Aml, NamesArePaddedAndMayBeginAtTheRoot) {
    EXPECT_EQ(name("A", integer(1)), Bytes({0x08, 'A', '_', '_', '_', 1}));
    EXPECT_EQ(name("\\_S5", integer(0)), Bytes({0x08, '\\', '_', 'S', '5', '_', 0}));
    EXPECT_EQ(text("ab"), Bytes({0x0d, 'a', 'b', 0}));
}

// Reads the length at `at` back: how many bytes from there on, and how many the length has.
std::pair<std::size_t, std::size_t> length_at(const Bytes& b, std::size_t at) {
    const unsigned more = b[at] >> 6;
    std::size_t n = more == 0 ? b[at] & 0x3f : b[at] & 0x0f;
    for (unsigned i = 0; i < more; ++i)
        n |= std::size_t{b[at + 1 + i]} << (4 + 8 * i);
    return {n, 1 + more};
}

TEST(Aml, LengthsCountThemselvesInEveryForm) {
    for (const std::size_t content : {1, 57, 58, 59, 60, 4088, 4089, 4090, 4091, 100000}) {
        const Bytes b = scope("X", Bytes(content, 0xa3));
        const auto [length, bytes] = length_at(b, 1);
        EXPECT_EQ(1 + length, b.size()) << content;
        EXPECT_EQ(length, bytes + 4 + content);
        EXPECT_EQ(b[1 + bytes], 'X');
    }
}

TEST(Aml, PackagesAndBuffersCountTheirContent) {
    EXPECT_EQ(package({integer(5), integer(0)}), Bytes({0x12, 5, 2, 0x0a, 5, 0}));
    EXPECT_EQ(buffer({7, 8, 9}), Bytes({0x11, 6, 0x0a, 3, 7, 8, 9}));
    EXPECT_EQ(device("D", {}), Bytes({0x5b, 0x82, 5, 'D', '_', '_', '_'}));
}

TEST(Resources, DescriptorsHoldWhatTheySay) {
    EXPECT_EQ(io_ports(0x3f8, 8), Bytes({0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8}));
    EXPECT_EQ(isa_irq(4), Bytes({0x22, 0x10, 0}));
    EXPECT_EQ(fixed_memory(0xe0000000, 0x100000),
              Bytes({0x86, 9, 0, 1, 0, 0, 0, 0xe0, 0, 0, 0x10, 0}));
    EXPECT_EQ(bus_numbers(0, 0), Bytes({0x88, 13, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}));
}

TEST(Resources, AWindowAbove4GiBHas8ByteNumbers) {
    const Bytes low = memory_window(0xc0000000, 0x100000000);
    EXPECT_EQ(low[0], 0x87);
    EXPECT_EQ(low.size(), 3u + 23);
    EXPECT_EQ(Bytes(low.begin() + 14, low.begin() + 18), Bytes({0xff, 0xff, 0xff, 0xff})); // last
    const Bytes high = memory_window(1ull << 39, (1ull << 39) + (64ull << 30));
    EXPECT_EQ(high[0], 0x8a);
    EXPECT_EQ(high[1], 43);
    EXPECT_EQ(high.size(), 3u + 43);
    EXPECT_EQ(Bytes(high.end() - 8, high.end()), Bytes({0, 0, 0, 0, 0x10, 0, 0, 0})); // length
}

TEST(Resources, ATemplateEndsWithItsTag) {
    EXPECT_EQ(resources({isa_irq(4)}), Bytes({0x11, 8, 0x0a, 5, 0x22, 0x10, 0, 0x79, 0}));
}

} // namespace
} // namespace segue::vmm::acpi

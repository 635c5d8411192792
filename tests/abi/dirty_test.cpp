// SPDX-License-Identifier: Apache-2.0
// The log of written pages, as a mode in C++ reads it.
#include <segue/cpp/dirty.hpp>

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace segue {
namespace {

using Runs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Runs runs_of(std::span<const std::uint64_t> bits, std::uint64_t first) {
    Runs all;
    EXPECT_TRUE(for_runs(bits, first, [&](std::uint64_t at, std::uint64_t n) -> Status {
        all.emplace_back(at, n);
        return {};
    }));
    return all;
}

TEST(DirtyRuns, AreWholeAcrossWordsAndToTheEnd) {
    using Bits = std::array<std::uint64_t, 3>;
    EXPECT_EQ(runs_of(Bits{}, 64), Runs());
    EXPECT_EQ(runs_of(Bits{~0ull, ~0ull, ~0ull}, 64), (Runs{{64, 192}}));
    EXPECT_EQ(runs_of(Bits{1, 0, 1ull << 63}, 0), (Runs{{0, 1}, {191, 1}}));
    EXPECT_EQ(runs_of(Bits{0xf0ull | 1ull << 63, 3, 0}, 128), (Runs{{132, 4}, {191, 3}}));
    EXPECT_EQ(runs_of({}, 0), Runs());
}

TEST(DirtyRuns, EndWithTheFirstError) {
    const std::array<std::uint64_t, 1> bits = {0b10101};
    unsigned calls = 0;
    const Status s = for_runs(bits, 0, [&](std::uint64_t, std::uint64_t) -> Status {
        return ++calls == 2 ? Error(Code::Cancelled, "stop") : Status();
    });
    EXPECT_EQ(s.code(), Code::Cancelled);
    EXPECT_EQ(calls, 2u);
}

} // namespace
} // namespace segue

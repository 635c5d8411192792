// SPDX-License-Identifier: Apache-2.0
// sample.hpp - the container that the frozen samples, the tests and the fuzzer's seed are made of.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include "core/state/writer.hpp"

namespace segue::state {

inline Header sample_header() {
    Header h;
    for (std::size_t i = 0; i < h.guest.size(); ++i)
        h.guest[i] = static_cast<std::uint8_t>(i * 17);
    h.generation = 7;
    h.attempt = 3;
    h.machine = "segue-1";
    h.creator = "0.1.0";
    h.word = 0x0102030405060708;
    return h;
}

// Every type, every length of an integer, an empty section and two instances of one name.
inline std::vector<std::byte> make_sample() {
    constexpr std::array bytes = {std::byte{0}, std::byte{0xff}, std::byte{0x80}};
    Writer w(sample_header());
    w.begin("cpu", "0", 2);
    w.put("small", 23);
    w.put("byte", 200);
    w.put("half", 60000);
    w.put("word", 4000000000);
    w.put("largest", ~std::uint64_t{0});
    w.put_signed("positive", 5);
    w.put_signed("negative", -1);
    w.put_signed("smallest", std::numeric_limits<std::int64_t>::min());
    w.put_flag("halted", true);
    w.put_flag("ready", false);
    w.end();
    w.begin("cpu", "1", 2);
    w.put_text("name", "Gr\xc3\xbc\xc3\x9f"
                       "e");
    w.put_text("empty", "");
    w.put_bytes("regs", bytes);
    w.end();
    w.begin("nothing", "", 1);
    w.end();
    const auto all = w.finish();
    return {all.begin(), all.end()};
}

} // namespace segue::state

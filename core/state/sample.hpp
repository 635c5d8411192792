// SPDX-License-Identifier: Apache-2.0
// sample.hpp - containers for the frozen samples, the tests and the fuzzer.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include "core/state/checksum.hpp"
#include "core/state/layout.hpp"
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

// A container whose only section holds `payload`, whatever that is, with every checksum right.
inline std::vector<std::byte> forge(std::string_view name, std::span<const std::byte> payload) {
    Writer w(sample_header());
    w.begin(name, "", 1);
    w.end();
    const auto written = w.finish();
    const std::size_t empty_map = 1; // byte
    std::vector<std::byte> c(written.begin(), written.end() - layout::kTrailerSize - empty_map);
    c.insert(c.end(), payload.begin(), payload.end());
    const auto section = std::span(c).subspan(layout::kHeaderSize);
    layout::store<std::uint64_t>(section, layout::kLength, payload.size());
    layout::store<std::uint64_t>(
        section, layout::kSectionChecksum,
        checksum(section.first(layout::kSectionChecksum), section.subspan(layout::kPayload)));
    const std::size_t at = c.size();
    c.resize(at + layout::kTrailerSize);
    const auto trailer = std::span(c).subspan(at);
    layout::store<std::uint32_t>(trailer, 0, layout::kTrailerMagic);
    layout::store<std::uint32_t>(trailer, layout::kSections, 1);
    layout::store<std::uint64_t>(trailer, layout::kTotal, c.size());
    const auto body = std::span(c).first(at);
    const Digest sum = digest(body.first(kWordOffset), body.subspan(layout::kAfterWord));
    std::memcpy(&trailer[layout::kDigest], sum.data(), sum.size());
    return c;
}

} // namespace segue::state

// SPDX-License-Identifier: Apache-2.0
#include "core/update/round_meter.hpp"

namespace segue::update {

namespace {

// Shorter rounds say more of their overheads than of the channels.
constexpr std::uint64_t kMeasured = 1u << 20; // bytes

} // namespace

void RoundMeter::look(std::uint64_t left, const Sent& sent, report::CopyProgress& p) {
    p.left = left;
    p.rounds += begun_ ? 1u : 0u;
    const std::uint64_t bytes = sent.bytes - before_.bytes;
    const std::chrono::duration<double> busy = sent.busy - before_.busy;
    if (begun_ && bytes >= kMeasured && busy.count() > 0)
        p.rate =
            static_cast<std::uint64_t>(static_cast<double>(bytes) * sent.channels / busy.count());
    p.expected = {};
    if (p.rate != 0)
        p.expected = std::chrono::nanoseconds(static_cast<std::int64_t>(
            1e9 * static_cast<double>(left) / static_cast<double>(p.rate)));
    begun_ = true;
    before_ = sent;
}

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// hello.hpp - what the two sides of a PEER update tell each other before the pause.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/config/identity.hpp"
#include "core/plugin/adapters/mode.hpp"
#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "core/update/channel.hpp"

namespace segue::update {

// Outgoing: section "hello", "identity", "resting-place" and one "override" each; the inventory's
// facts and the machine's own sections stand beside them in one container.
struct Hello {
    std::string mode, version, config;
    std::uint32_t wire_rev = 0, wire_rev_min = 0;
    std::uint32_t arbiter = 0; // SEGUE_ARBITER_*
    std::uint64_t budget_us = 0;
    std::int32_t pid = 0;
    bool rehearsal = false; // the guest will not be offered
    Nonce nonce = {};
    config::Identity identity, resting_place;
    std::vector<std::string> overrides;
    std::string channels; // of the plan, as text_of() has them; "": an older version
};

void write(const Hello& hello, state::Writer& out);
Result<Hello> read_hello(const state::Reader& in);

// "cpr 1, data 4": both sides open as many of each.
std::string text_of(const std::vector<plugin::ChannelNeed>& channels);

// Incoming: whether `hello` tells of channels as this side plans them, and of this side's guest.
// Where a block lies may change with every update that moves it.
Status fits(const Hello& hello, const plugin::Plan& mine, const config::Identity& guest);

// Incoming: "I understand, and my channels are listening."
struct Welcome {
    std::string version;
    std::int32_t pid = 0;
    std::uint32_t wire_rev = 0;
};

std::vector<std::byte> encode(const Welcome& welcome);
Result<Welcome> decode_welcome(std::span<const std::byte> container);

// A revision that both understand: the highest.
Result<std::uint32_t> agree_wire(std::uint32_t min_a, std::uint32_t max_a, std::uint32_t min_b,
                                 std::uint32_t max_b, const std::string& mode);

} // namespace segue::update

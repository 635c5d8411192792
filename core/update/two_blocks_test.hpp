// SPDX-License-Identifier: Apache-2.0
// two_blocks_test.hpp - two sides whose guest has a second, larger block of RAM, for the modes that
// copy it: by so many channels as the parameter says.
#pragma once

#include <cstring>
#include <string>

#include "core/inventory/ram.hpp"
#include "core/update/two_sides_test.hpp"

namespace segue::update {

class TwoBlocks : public TwoSides, public testing::WithParamInterface<const char*> {
protected:
    TwoBlocks(const std::string& mode, std::uint64_t bytes) {
        set("mode", "mode/" + mode);
        set("channels", GetParam());
        auto large =
            inventory::make_block(*plugins_.memory("ram1").value(), "ram1", "memfd", bytes);
        EXPECT_TRUE(large && inventory_.add(std::move(*large)));
        for (const auto& b : inventory_.blocks())
            dirty_log_.pages.push_back(b.bytes / 4096);
    }
    // An option of the mode's, on both sides.
    void set(const std::string& key, const std::string& value) {
        plugins_.options[key] = new_options_[key] = value;
    }
    // Pages that are not there as they are here.
    std::uint64_t differing() {
        std::uint64_t pages = 0;
        for (std::size_t i = 0; i < inventory_.blocks().size(); ++i) {
            const auto &here = inventory_.blocks()[i], &there = candidate().inventory.blocks()[i];
            for (std::uint64_t at = 0; at < here.bytes; at += 4096)
                pages += std::memcmp(here.base() + at, there.base() + at, 4096) != 0;
        }
        return pages;
    }
};

} // namespace segue::update

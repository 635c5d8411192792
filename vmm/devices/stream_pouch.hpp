// SPDX-License-Identifier: Apache-2.0
// stream_pouch.hpp - open streams on their way to the next generation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::vmm {

// A socket pair of the inventory's. The descriptors of a generation are announced and handed over
// while the guest still runs, and streams come and go until its device rests; so they lie in the
// pair's buffer, and the pair is what is handed over. To look inside takes nothing out: an attempt
// that fails after that leaves all as it was.
class StreamPouch {
public:
    // First boot: a pair joins the inventory under names that begin with `item`. [main]
    static Status open(const std::string& item, inventory::Inventory& inventory);
    // A later generation: finds it there. [main]
    static Result<StreamPouch> adopt(const std::string& item,
                                     const inventory::Inventory& inventory);
    StreamPouch() = default; // none: a probe's

    bool exists() const { return in_ >= 0; }
    // All or nothing; the descriptors stay the caller's as well. [update]
    Status put(const std::vector<std::pair<std::uint64_t, int>>& streams);
    // Copies of what is inside. [update]
    Result<std::map<std::uint64_t, UniqueFd>> look() const;
    void clear() noexcept;

private:
    int in_ = -1, out_ = -1; // the inventory's
};

} // namespace segue::vmm

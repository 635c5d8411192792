// SPDX-License-Identifier: Apache-2.0
// ram_converter.hpp - moves anonymous guest RAM into sealed memfds under the guest's addresses: KVM
// and the devices find the same bytes there, and another process can be given them.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <segue/cpp/unique_fd.hpp>

#include "core/inventory/inventory.hpp"
#include "core/ports/ram_converter.hpp"
#include "vmm/memory/pagemap.hpp"
#include "vmm/memory/vm_areas.hpp"

namespace segue::vmm {

// Each block moves from its first byte on. Pages that nobody touched, and pages of zeros, are holes
// afterwards. The inventory's blocks stay what they were: it is the next generation that has
// shared memory.
class RamConverter final : public ports::RamConverter {
public:
    // `preallocated`: ids of blocks whose pages of zeros stay pages. The inventory outlives this.
    // `allowed`: whether KVM uses guest RAM by its addresses alone.
    RamConverter(
        const inventory::Inventory& inventory, std::set<std::string> preallocated,
        std::function<Status()> allowed = [] { return Status(); })
        : inventory_(inventory)
        , preallocated_(std::move(preallocated))
        , allowed_(std::move(allowed)) {}

    struct Run {
        std::uint64_t at, bytes; // in the block
    };

    Status check() override;
    Result<std::vector<int>> start() override;
    Result<bool> make_ready(std::uint64_t copy) override;
    Result<ports::Converted> convert() override;
    void stop() noexcept override;

private:
    struct Moving {
        const inventory::RamBlock* block;
        UniqueFd file;
        std::uint64_t moved = 0; // bytes, from the first one on
        std::vector<int> advice;
    };
    // Some of a block, from its Moving::moved on.
    struct Piece {
        Moving* moving;
        std::uint64_t bytes;
    };
    static Status begin(Moving& moving, const std::vector<VmArea>& areas);
    // What a piece has in it.
    struct Found {
        std::vector<Run> runs;   // to be copied
        std::uint64_t zeros = 0; // bytes of pages that are there and are not copied
    };
    // Cuts `piece` where it takes as long as to copy `copy` bytes, or a little longer.
    Result<Found> look(Piece& piece, std::uint64_t copy);
    Status add_to(Found& found, const Moving& moving, std::uint64_t from, std::uint64_t to);
    static Status take_memory(const Piece& piece, const std::vector<Run>& runs);
    Result<std::uint64_t> fill(Piece piece);
    static Status put(const Piece& piece);
    static void give_back(const Piece& piece) noexcept;

    const inventory::Inventory& inventory_;
    const std::set<std::string> preallocated_;
    const std::function<Status()> allowed_;
    std::vector<Moving> moving_;   // from the first start() on, one a block
    std::optional<Pagemap> pages_; // from start() to stop()
    std::optional<Piece> piece_;   // that is ready
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// manifest.hpp - what the incoming side is told about each descriptor before it gets them, so that
// it can check every one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"
#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::inventory {

// What fstat(2) says of an open file.
struct FileId {
    std::uint64_t device = 0, inode = 0;
    std::uint32_t type = 0; // S_IFMT bits

    static Result<FileId> of(int fd);
    friend bool operator==(const FileId&, const FileId&) = default;
};

struct ItemFacts {
    std::string name;
    FileId file;
};

// A RAM block without its descriptor.
struct BlockFacts {
    std::string id, backend;
    FileId file;
    std::uint64_t offset = 0, bytes = 0, survives = 0;
    std::uint32_t page_shift = 0;
    std::uint32_t map_flags = 0;
    std::int32_t seals = -1; // F_GET_SEALS, -1 where the file has none
    std::uint32_t ram = 0;   // SEGUE_RAM_*: how this update moves it
};

struct Facts {
    std::vector<ItemFacts> items;
    std::vector<BlockFacts> blocks;
};

inline constexpr std::size_t kMaxItems = 4096;

// `ram_of_block`: one SEGUE_RAM_* set a block, from the mode's plan.
Result<Facts> describe(const Inventory& inventory, const std::vector<std::uint32_t>& ram_of_block);

// What is to be said of the file of a block: which it is, and its seals.
Status describe_file(BlockFacts& block, int fd);

// Without the blocks.
Result<Facts> describe_items(const Inventory& inventory);

// Sections "item" and "ram-block", and "inventory", which counts them.
void write(const Facts& facts, state::Writer& out);
Result<Facts> read(const state::Reader& in);

// Whether `fd` is the file that was described: type, device and inode, seals. REFUSED names it.
Status check(const ItemFacts& facts, int fd);
Status check(const BlockFacts& facts, int fd);

} // namespace segue::inventory

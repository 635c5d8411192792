// SPDX-License-Identifier: Apache-2.0
// inventory.hpp - every descriptor and RAM block that must outlive this process, by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <segue/abi/memory.h>
#include <segue/cpp/mapping.hpp>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::inventory {

// A descriptor that moves with the guest: the control socket, a console, a lock.
struct Item {
    std::string name; // at most 63 bytes, unique
    UniqueFd fd;
};

// One block of guest RAM: an open file range of a memory plugin, mapped here.
struct RamBlock {
    std::string id;      // of the configuration: "ram0"
    std::string backend; // id of its memory plugin
    UniqueFd fd;
    std::uint64_t offset = 0; // of the RAM in fd, bytes
    std::uint64_t bytes = 0;
    std::uint32_t page_shift = 12;
    std::uint32_t map_flags = 0;          // for mmap(2)
    std::uint64_t survives = 0;           // SEGUE_SURVIVES_*
    std::uint64_t stamp = SEGUE_NO_STAMP; // offset in fd of 4 KiB beside the RAM
    Mapping map;

    std::byte* base() const { return map.data(); }
    // Gives the memory of these bytes back, of whole pages, locked or not: they read as zeros.
    Status drop(std::uint64_t first, std::uint64_t n) const;
};

// Owner of both; one a process. Blocks are in the order of the configuration, which is the order of
// their guest-physical addresses. [main until the guest runs, then update]
class Inventory {
public:
    Status add(Item item); // EXISTS for a name that is there
    // The fd, still owned here; -1 where there is none.
    int find(std::string_view name) const;
    // Gives it away, for good.
    UniqueFd take(std::string_view name);
    const std::vector<Item>& items() const { return items_; }

    Status add(RamBlock block);
    const std::vector<RamBlock>& blocks() const { return blocks_; }
    std::vector<RamBlock>& blocks() { return blocks_; }

private:
    std::vector<Item> items_;
    std::vector<RamBlock> blocks_;
};

} // namespace segue::inventory

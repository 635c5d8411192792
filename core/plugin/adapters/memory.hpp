// SPDX-License-Identifier: Apache-2.0
// memory.hpp - memory plugins, as core uses them.
#pragma once

#include <memory>
#include <string>

#include <segue/abi/memory.h>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/plugin/adapters/call.hpp"

namespace segue::plugin {

// One range of guest RAM, checked: the file holds it, the flags can be mapped.
struct Block {
    std::string name;
    UniqueFd fd;
    std::uint64_t offset = 0; // of the RAM in fd, bytes
    std::uint64_t bytes = 0;
    std::uint32_t page_shift = 12;
    std::uint32_t map_flags = 0;
    std::uint64_t stamp = SEGUE_NO_STAMP; // offset in fd
    std::uint64_t survives = 0;           // SEGUE_SURVIVES_*
};

// One configured memory plugin. [main; check also update]
class Memory {
public:
    static Result<Memory> create(const LoadedPlugin& plugin, const PluginConfig& config);

    std::uint64_t caps() const { return instance_->table.caps; }
    const std::string& name() const { return instance_->name(); }
    // Whether `bytes` could be made here and now; creates nothing.
    Status check(std::uint64_t bytes);
    // A new, zeroed block; Exists where there is one already.
    Result<Block> make(const std::string& block, std::uint64_t bytes);
    // The block that make() left behind.
    Result<Block> reopen(const std::string& block, std::uint64_t bytes);
    // A block that another generation made; `fd` is closed on error.
    Result<Block> adopt(const std::string& block, UniqueFd fd, std::uint64_t offset,
                        std::uint64_t bytes);
    // The guest is gone for good.
    void drop(const std::string& block);

private:
    explicit Memory(std::shared_ptr<Instance<segue_memory>> instance)
        : instance_(std::move(instance)) {}
    Result<Block> checked(const char* function, const std::string& block, std::uint64_t bytes,
                          const segue_block& raw);
    std::shared_ptr<Instance<segue_memory>> instance_;
};

} // namespace segue::plugin

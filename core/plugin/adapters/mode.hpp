// SPDX-License-Identifier: Apache-2.0
// mode.hpp - mode plugins, as the engine uses them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <segue/abi/dirty.h>
#include <segue/abi/mode.h>
#include <segue/abi/ram.h>
#include <segue/abi/ram_convert.h>
#include <segue/abi/threads.h>
#include <segue/abi/throttle.h>
#include <segue/abi/update.h>
#include <segue/abi/userfault.h>
#include <segue/cpp/result.hpp>

#include "core/plugin/adapters/call.hpp"

namespace segue::plugin {

struct ChannelNeed {
    std::string name;
    std::uint64_t need_caps = 0; // SEGUE_TRANSPORT_*
    bool optional = false;
    std::uint32_t count = 1; // connections
};

// What one update will do, checked against what the mode could do.
struct Plan {
    std::uint32_t successor = 0;             // one SEGUE_SUCCESSOR_*
    std::uint32_t arbiters = 0;              // SEGUE_ARBITER_*
    std::uint32_t ram = 0;                   // SEGUE_RAM_*, the union over the blocks
    std::uint32_t needs = 0;                 // SEGUE_NEEDS_*
    std::vector<std::uint32_t> ram_of_block; // SEGUE_RAM_*, one set a block
    std::vector<ChannelNeed> channels;
};

// What the engine gives to one instance; NULL: not given. All outlive it.
struct ModeServices {
    const segue_host_update* update = nullptr;
    const segue_host_ram* ram = nullptr;
    const segue_host_threads* threads = nullptr;
    const segue_host_dirty* dirty = nullptr;
    const segue_host_ram_convert* ram_convert = nullptr;
    const segue_host_userfault* userfault = nullptr;
    const segue_host_throttle* throttle = nullptr;
};

// One side of one update. [update]
class Mode {
public:
    // `side`: SEGUE_SIDE_*.
    static Result<Mode> create(const LoadedPlugin& plugin, const PluginConfig& config,
                               std::uint32_t side, const ModeServices& services);

    const std::string& name() const { return instance_->name(); }
    std::uint32_t wire_rev() const { return instance_->table.wire_rev; }
    std::uint32_t wire_rev_min() const { return instance_->table.wire_rev_min; }
    // `blocks`: their fds are borrowed.
    Result<Plan> plan(std::span<const segue_block> blocks);

    // The hooks; one that the mode has not succeeds.
    Status check() { return hook("check", instance_->table.check); }
    Status prepare() { return hook("prepare", instance_->table.prepare); }
    Status copy() { return hook("copy", instance_->table.copy); }
    Status handover() { return hook("handover", instance_->table.handover); }
    Status fetch() { return hook("fetch", instance_->table.fetch); }
    Status reclaim() { return hook("reclaim", instance_->table.reclaim); }
    void end(std::uint32_t outcome); // SEGUE_OUTCOME_*

private:
    explicit Mode(std::shared_ptr<Instance<segue_mode>> instance)
        : instance_(std::move(instance)) {}
    Status hook(const char* function, segue_status (*f)(void*, segue_error*));
    std::shared_ptr<Instance<segue_mode>> instance_;
};

} // namespace segue::plugin

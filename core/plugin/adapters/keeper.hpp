// SPDX-License-Identifier: Apache-2.0
// keeper.hpp - keeper plugins, as core uses them: who holds descriptors while no VMM lives.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <segue/abi/keeper.h>
#include <segue/abi/process.h>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/plugin/adapters/call.hpp"

namespace segue::plugin {

// A descriptor that came back.
struct KeptFd {
    std::string name; // at most 63 bytes, unique
    UniqueFd fd;
};

// One configured keeper. [update; take also main]
class Keeper {
public:
    // `process` outlives it; NULL: none is given.
    static Result<Keeper> create(const LoadedPlugin& plugin, const PluginConfig& config,
                                 const segue_host_process* process = nullptr);

    std::uint64_t survives() const { return instance_->table.survives; } // SEGUE_KEEPER_*
    const std::string& name() const { return instance_->name(); }
    // Whether hold() would take these; changes nothing.
    Status check(std::span<const segue_item> items);
    // All of them or none; the fds stay the caller's too.
    Status hold(std::span<const segue_item> items);
    // All that is held.
    Result<std::vector<KeptFd>> take();
    // Forgets and closes what is held.
    void drop();

private:
    explicit Keeper(std::shared_ptr<Instance<segue_keeper>> instance)
        : instance_(std::move(instance)) {}
    std::shared_ptr<Instance<segue_keeper>> instance_;
};

} // namespace segue::plugin

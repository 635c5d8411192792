// SPDX-License-Identifier: Apache-2.0
// guest_service.hpp - what the control socket of this process does.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "core/config/guest_config.hpp"
#include "core/control/service.hpp"
#include "core/update/engine.hpp"
#include "vmm/machine/machine.hpp"
#include "vmm/main/configured_plugins.hpp"
#include "vmm/main/inbox.hpp"
#include "vmm/main/known_updates.hpp"

namespace segue::vmm {

class GuestService final : public control::Service {
public:
    struct Parts {
        const config::GuestConfig& config;
        const update::GuestFacts& facts;
        const inventory::Inventory& inventory;
        Machine& machine;
        update::RunControl& run;
        Inbox& inbox;
        const ConfiguredPlugins& plugins;
        std::string binary; // of this process, as it was started
        GuestPlaces places;
    };
    explicit GuestService(Parts parts)
        : p_(std::move(parts)) {}
    // Before the first request. [main]
    void attach(update::Engine& engine) {
        engine_ = &engine;
        known_.emplace(engine, p_.places, p_.facts.uuid);
    }

    control::VmInfo vm() override;
    Status pause() override { return p_.run.pause(); }
    Status resume() override { return p_.run.resume(); }
    Status wakeup() override;
    Status shutdown() override;
    Status set_balloon(std::uint64_t bytes) override;
    Status quit() override;
    Result<report::UpdateRecord> start_update(const control::UpdateRequest& request) override;
    Result<report::Verdict> preflight(const control::UpdateRequest& request) override;
    Result<report::UpdateRecord> update(const std::string& id) override { return known_->find(id); }
    std::vector<report::UpdateRecord> updates(std::size_t limit) override {
        return known_->newest(limit);
    }
    std::vector<control::PluginInfo> plugins() override { return p_.plugins.list(); }
    Status cancel_update() override;
    Status switch_now() override { return engine_->switch_now(); }
    Status recover(const std::string& channel, bool from_owner) override;
    Status resolve(bool here) override {
        return engine_->resolve(here ? update::Place::Here : update::Place::There);
    }

private:
    Result<update::Request> complete(const control::UpdateRequest& request) const;
    Status allowed(const control::UpdateRequest& request) const;
    Status is_as_expected(const control::UpdateRequest& request) const;
    std::string usual_mode(bool save) const;

    Parts p_;
    update::Engine* engine_ = nullptr;
    std::optional<KnownUpdates> known_;
    std::mutex starting_; // two requests with one key are one update
};

} // namespace segue::vmm

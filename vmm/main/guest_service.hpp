// SPDX-License-Identifier: Apache-2.0
// guest_service.hpp - what the control socket of this process does.
#pragma once

#include <string>

#include "core/config/guest_config.hpp"
#include "core/control/service.hpp"
#include "core/update/engine.hpp"
#include "vmm/machine/machine.hpp"
#include "vmm/main/inbox.hpp"

namespace segue::vmm {

class GuestService final : public control::Service {
public:
    struct Parts {
        const config::GuestConfig& config;
        const update::GuestFacts& facts;
        const inventory::Inventory& inventory;
        const Machine& machine;
        update::RunControl& run;
        Inbox& inbox;
        std::string binary; // of this process, as it was started
    };
    explicit GuestService(Parts parts)
        : p_(std::move(parts)) {}
    // Before the first request. [main]
    void attach(update::Engine& engine) { engine_ = &engine; }

    control::VmInfo vm() override;
    Status pause() override { return p_.run.pause(); }
    Status resume() override { return p_.run.resume(); }
    Status shutdown() override;
    Result<report::UpdateRecord> start_update(const control::UpdateRequest& request) override;
    Result<report::UpdateRecord> update(const std::string& id) override {
        return engine_->find(id);
    }
    Status cancel_update() override { return engine_->cancel(); }

private:
    Parts p_;
    update::Engine* engine_ = nullptr;
};

} // namespace segue::vmm

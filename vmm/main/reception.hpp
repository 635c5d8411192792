// SPDX-License-Identifier: Apache-2.0
// reception.hpp - a VMM that waits for its guest to come from another host: where it comes in, and
// what the control socket answers meanwhile.
#pragma once

#include <memory>
#include <mutex>

#include "core/config/guest_config.hpp"
#include "core/control/server.hpp"
#include "core/report/journal.hpp"
#include "core/update/arrival.hpp"
#include "core/update/incoming.hpp"
#include "vmm/main/inbox.hpp"

namespace segue::vmm {

// Of a guest that is not here yet: its state is `inmigrate`; what would need it is refused.
class WaitingService final : public control::Service {
public:
    WaitingService(const config::GuestConfig& config, Inbox& inbox, const report::Journal& journal,
                   update::Doubt& doubt)
        : config_(config)
        , inbox_(inbox)
        , journal_(journal)
        , doubt_(doubt) {}
    // Once the update has begun; it outlives the server. [main]
    void attach(const update::Incoming* incoming);

    control::VmInfo vm() override;
    Status pause() override { return not_here(); }
    Status resume() override { return not_here(); }
    Status wakeup() override { return not_here(); }
    Status shutdown() override { return not_here(); }
    Status set_balloon(std::uint64_t) override { return not_here(); }
    Status quit() override;
    Result<report::UpdateRecord> start_update(const control::UpdateRequest&) override {
        return not_here();
    }
    Result<report::Verdict> preflight(const control::UpdateRequest&) override { return not_here(); }
    Result<report::UpdateRecord> update(const std::string& id) override;
    std::vector<report::UpdateRecord> updates(std::size_t limit) override;
    std::vector<control::PluginInfo> plugins() override { return {}; }
    Status cancel_update() override { return not_here(); }
    Status switch_now() override { return not_here(); }
    Status recover(const std::string&, bool) override { return not_here(); }
    Status resolve(bool here) override;

private:
    Error not_here() const;
    report::UpdateRecord record() const; // without an id: none yet

    const config::GuestConfig& config_;
    Inbox& inbox_;
    const report::Journal& journal_;
    update::Doubt& doubt_;
    mutable std::mutex mutex_;
    const update::Incoming* incoming_ = nullptr;
};

struct Reception {
    Reception(const config::GuestConfig& config, Inbox& inbox, const report::Journal& journal,
              plugin::Listener listener)
        : arrival(std::move(listener))
        , service(config, inbox, journal, arrival.doubt()) {}

    update::Arrival arrival;
    WaitingService service;
    std::unique_ptr<control::Server> server; // until the guest has its own
};

} // namespace segue::vmm

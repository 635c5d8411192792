// SPDX-License-Identifier: Apache-2.0
// guest_process.hpp - one segue-vmm process: the only place where the concrete parts meet.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/places.hpp"
#include "core/config/guest_config.hpp"
#include "core/control/server.hpp"
#include "core/report/journal.hpp"
#include "core/report/log.hpp"
#include "core/report/tee.hpp"
#include "core/update/engine.hpp"
#include "core/update/exec_fds.hpp"
#include "core/update/incoming.hpp"
#include "core/update/origin.hpp"
#include "vmm/machine/machine.hpp"
#include "vmm/main/configured_plugins.hpp"
#include "vmm/main/guest_service.hpp"
#include "vmm/main/inbox.hpp"
#include "vmm/main/options.hpp"
#include "vmm/main/process_launcher.hpp"
#include "vmm/main/reception.hpp"
#include "vmm/memory/ram_converter.hpp"
#include "vmm/memory/userfault.hpp"

namespace segue::vmm {

// Made in one of two ways, then run() until the guest ends or goes. [main]
class GuestProcess {
public:
    // Configuration read, plugins open; nothing else exists yet. `report`: hears of every update
    // besides the log and the journal; NULL: nobody.
    static Result<std::unique_ptr<GuestProcess>> make(const Options& options,
                                                      report::Report* report);
    ~GuestProcess();
    GuestProcess(const GuestProcess&) = delete;
    GuestProcess& operator=(const GuestProcess&) = delete;

    // Generation 1: makes everything and lets the guest start.
    Status boot();
    // A later generation, from an engine stream, an execve or a state: OK once the guest runs here.
    Status take_over();
    // As a probe: answers over options.probe_fd whether this process would take the guest over.
    Status answer();

    // Answers what happens until this process has nothing left to do; gives its exit code.
    int run();

    Inbox& inbox() { return inbox_; }

private:
    GuestProcess(Options options, config::GuestConfig config, GuestPlaces places, UniqueFd news,
                 report::Report* report);
    std::vector<std::string> common_options() const;
    Status make_ram();
    Status listen();
    Result<std::unique_ptr<control::Server>> server_for(control::Service& service, bool held);
    Status serve(bool held);
    Status receive();
    Result<UniqueFd> engine_stream() const;
    Status make_items();
    Result<std::unique_ptr<update::Origin>> origin();
    std::vector<std::string> waived() const;
    update::Standby standby(std::function<Result<ports::Devices*>()> on_built,
                            std::function<void()> on_hold);
    void start_engine(std::vector<report::UpdateRecord> past, update::Incoming* arrived = nullptr);
    // Nothing: go on.
    std::optional<int> handle(const GuestEvent& event);
    void suspend();
    std::optional<int> handle(ShutdownRequest);
    std::optional<int> handle(HandedOver news);
    std::optional<int> handle(RamFetched news);
    // The guest ends here, if it still is ours.
    int end(int code, const std::string& why);
    [[noreturn]] void end_at_once(int code);
    void clear_places();
    void leave_nothing();
    void tell_fetched(const Status& how); // by the update's thread
    void note_start() const;
    bool is_at_rest() const;
    void clear_up();

    Options options_;
    config::GuestConfig config_;
    GuestPlaces places_;
    std::string binary_; // of this process, as it was started
    Inbox inbox_;
    report::Log log_;
    report::Journal journal_;
    report::Tee report_;
    update::GuestFacts facts_;
    std::unique_ptr<ConfiguredPlugins> plugins_;
    inventory::Inventory inventory_;
    update::ExecFds exec_fds_;
    std::optional<update::Ownership> ownership_;
    Machine machine_{inbox_};
    RamConverter ram_converter_;
    Userfault userfault_;
    update::RunControl run_{report::RunState::Inmigrate};
    ProcessLauncher launcher_;
    std::unique_ptr<Reception> reception_; // from another host; until that has heard
    std::unique_ptr<GuestService> service_;
    std::unique_ptr<control::Server> server_;
    std::unique_ptr<update::Standby> standby_;
    std::unique_ptr<update::Incoming> incoming_; // while it fetches the guest's RAM, and after
    std::unique_ptr<update::Engine> engine_;
};

} // namespace segue::vmm

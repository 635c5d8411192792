// SPDX-License-Identifier: Apache-2.0
// `segue update` asks for an update and watches it; `segue watch` watches one that runs.
#include <filesystem>
#include <fstream>

#include "core/cli/commands.hpp"
#include "core/cli/follow.hpp"
#include "core/cli/output.hpp"
#include "core/cli/suspended_update.hpp"
#include "core/control/json.hpp"

namespace segue::cli {
namespace {

// The new binary may take its time to answer; the VMM sees to the deadline.
constexpr std::chrono::milliseconds kPreflight{120'000};

// The VMM has another working directory.
std::string absolute(const std::string& path) {
    return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

// So that a request whose answer is lost may be sent again.
std::string fresh_key() {
    std::string uuid;
    std::getline(std::ifstream("/proc/sys/kernel/random/uuid"), uuid);
    return uuid;
}

Result<report::UpdateRecord> current(const control::Client& client) {
    SEGUE_ASSIGN(const auto vm, client.vm());
    if (vm.update.empty())
        return Error(Code::Refused, "guest '" + vm.name + "' has had no update yet")
            .way_out("`segue update " + vm.name + "` begins one");
    return client.update(vm.update);
}

// With what stands in the way of the guest's sleep, where that is wanted.
Result<report::Verdict> examine(const control::Client& client,
                                const control::UpdateRequest& request, bool suspend) {
    SEGUE_ASSIGN(auto verdict, client.preflight(request));
    if (!suspend)
        return verdict;
    if (const Status s = can_suspend(client); !s)
        verdict.blockers.push_back(s.error());
    return verdict;
}

std::string journal_of(const Places& places, const std::string& guest) {
    const auto folder = places.guest(guest);
    return folder ? folder->journal() : "";
}

ExitCode dry_run(const control::Client& client, const control::UpdateRequest& request, bool suspend,
                 bool json) {
    const auto verdict = examine(client, request, suspend);
    if (!verdict)
        return fail(verdict.error());
    out(json ? control::to_json(*verdict) + "\n" : report::to_text(*verdict));
    return verdict->blockers.empty() ? ExitCode::Ok : ExitCode::Refused;
}

ExitCode perform(const Places& places, const control::Client& client,
                 const control::UpdateRequest& request, const UpdateOptions& options) {
    auto record = client.start_update(request);
    if (!record)
        return fail(record.error());
    if (!options.no_wait)
        return follow(client, std::move(*record), options.json, journal_of(places, options.guest));
    out((options.json ? control::to_json(*record) : record->id) + "\n");
    return ExitCode::Ok;
}

// The guest is put to sleep for nothing that is known to fail, and woken whatever happens.
ExitCode perform_asleep(const Places& places, const control::Client& patient,
                        const control::Client& client, const control::UpdateRequest& request,
                        const UpdateOptions& options) {
    const auto verdict = examine(patient, request, true);
    if (!verdict)
        return fail(verdict.error());
    if (!verdict->blockers.empty())
        return fail(verdict->blockers.front());
    if (const Status s = suspend(client, std::chrono::seconds(options.suspend_timeout_s)); !s)
        return fail(s.error());
    const ExitCode done = perform(places, client, request, options);
    if (done == ExitCode::Detached || done == ExitCode::Unknown) {
        fail(Error(Code::Phase, "the guest was left asleep")
                 .way_out("once the update is over: segue wakeup " + options.guest));
        return done;
    }
    const Status woken = wake(client);
    return woken ? done : fail(woken.error());
}

} // namespace

ExitCode update(const Places& places, const UpdateOptions& options) {
    const auto client = client_of(places, options.guest);
    const auto patient = client_of(places, options.guest, kPreflight);
    if (!client || !patient)
        return fail(client ? patient.error() : client.error());
    control::UpdateRequest request;
    request.mode = options.mode;
    request.binary = absolute(options.binary);
    request.config = absolute(options.config);
    request.expected_generation = options.generation;
    request.rehearse = options.rehearse;
    request.channel = options.channel;
    if (options.dry_run)
        return dry_run(*patient, request, options.suspend, options.json);
    request.key = fresh_key();
    return options.suspend ? perform_asleep(places, *patient, *client, request, options)
                           : perform(places, *client, request, options);
}

ExitCode watch(const Places& places, const std::string& guest, const std::string& id, bool json) {
    const auto client = client_of(places, guest);
    if (!client)
        return fail(client.error());
    auto record = id.empty() ? current(*client) : client->update(id);
    return record ? follow(*client, std::move(*record), json, journal_of(places, guest))
                  : fail(record.error());
}

} // namespace segue::cli

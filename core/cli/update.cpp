// SPDX-License-Identifier: Apache-2.0
// `segue update` asks for an update and watches it; `segue watch` watches one that runs.
#include <filesystem>
#include <fstream>

#include "core/cli/commands.hpp"
#include "core/cli/follow.hpp"
#include "core/cli/output.hpp"
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

ExitCode dry_run(const control::Client& client, const control::UpdateRequest& request, bool json) {
    const auto verdict = client.preflight(request);
    if (!verdict)
        return fail(verdict.error());
    out(json ? control::to_json(*verdict) + "\n" : report::to_text(*verdict));
    return verdict->blockers.empty() ? ExitCode::Ok : ExitCode::Refused;
}

} // namespace

ExitCode update(const Places& places, const UpdateOptions& options) {
    const auto client = client_of(places, options.guest,
                                  options.dry_run ? kPreflight : std::chrono::milliseconds(10'000));
    if (!client)
        return fail(client.error());
    control::UpdateRequest request;
    request.mode = options.mode;
    request.binary = absolute(options.binary);
    request.config = absolute(options.config);
    request.expected_generation = options.generation;
    request.rehearse = options.rehearse;
    if (options.dry_run)
        return dry_run(*client, request, options.json);
    request.key = fresh_key();
    auto record = client->start_update(request);
    if (!record)
        return fail(record.error());
    if (!options.no_wait)
        return follow(*client, std::move(*record), options.json);
    out((options.json ? control::to_json(*record) : record->id) + "\n");
    return ExitCode::Ok;
}

ExitCode watch(const Places& places, const std::string& guest, const std::string& id, bool json) {
    const auto client = client_of(places, guest);
    if (!client)
        return fail(client.error());
    auto record = id.empty() ? current(*client) : client->update(id);
    return record ? follow(*client, std::move(*record), json) : fail(record.error());
}

} // namespace segue::cli

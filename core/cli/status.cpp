// SPDX-License-Identifier: Apache-2.0
// `segue status` and `segue list`.
#include <cstdio>

#include <segue/cpp/sys.hpp>

#include "core/base/units.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/control/json.hpp"
#include "core/report/terminal.hpp"
#include "core/update/ownership.hpp"

namespace segue::cli {
namespace {

void print(const control::VmInfo& vm) {
    out("guest       " + vm.name + "\nstate       " + report::name_of(vm.state) + "\nversion     " +
        vm.version + "\npid         " + std::to_string(vm.pid) + "\ngeneration  " +
        std::to_string(vm.generation) + "\nvcpus       " + std::to_string(vm.vcpus) +
        "\nconsole     " + vm.console + "\nuuid        " + vm.uuid + "\n");
    for (const auto& block : vm.ram)
        out("ram         " + block.id + " " + format_size(block.bytes) + " " + block.backend + " " +
            block.path + "\n");
    if (vm.balloon)
        out("balloon     " + balloon_text(*vm.balloon) + "\n");
}

std::string row(const std::string& name, const std::string& state, const std::string& pid,
                const std::string& generation, const std::string& version) {
    char line[256];
    std::snprintf(line, sizeof line, "%-20s %-14s %8s %4s  %s\n", name.c_str(), state.c_str(),
                  pid.c_str(), generation.c_str(), version.c_str());
    return line;
}

// Of a guest whose VMM says nothing.
const char* state_of(const GuestPlaces& folder) {
    if (is_locked(folder))
        return "no answer";
    auto fd = sys::open(folder.owner(), O_RDWR | O_NOFOLLOW);
    if (!fd)
        return "ended";
    const auto record = update::Ownership::adopt(std::move(*fd));
    return record && record->word().state == update::Owner::Offered ? "saved" : "ended";
}

} // namespace

ExitCode status(const Places& places, const std::string& guest, bool json) {
    const auto client = client_of(places, guest);
    if (!client)
        return fail(client.error());
    const auto vm = client->vm();
    if (!vm)
        return fail(vm.error());
    if (json) {
        out(control::to_json(*vm) + "\n");
        return ExitCode::Ok;
    }
    print(*vm);
    if (vm->update.empty())
        return ExitCode::Ok;
    if (const auto record = client->update(vm->update))
        out("last        " + report::result_line(*record) + "\n");
    return ExitCode::Ok;
}

ExitCode list(const Places& places, bool json) {
    if (!json)
        out(row("NAME", "STATE", "PID", "GEN", "VERSION"));
    for (const auto& name : places.guests()) {
        const auto folder = places.guest(name);
        if (!folder)
            continue;
        const auto vm = control::Client(name, folder->api_socket(), std::chrono::seconds(2)).vm();
        if (vm && json)
            out(control::to_json(*vm) + "\n");
        else if (vm)
            out(row(name, report::name_of(vm->state), std::to_string(vm->pid),
                    std::to_string(vm->generation), vm->version));
        else if (!json)
            out(row(name, state_of(*folder), "-", "-", "-"));
    }
    return ExitCode::Ok;
}

} // namespace segue::cli

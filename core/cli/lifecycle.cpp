// SPDX-License-Identifier: Apache-2.0
// `segue cancel`, `pause`, `resume`, `shutdown` and `kill`.
#include <csignal>

#include <segue/cpp/sys.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/update/ownership.hpp"

namespace segue::cli {
namespace {

ExitCode call(const Places& places, const std::string& guest,
              Status (control::Client::*verb)() const) {
    const auto client = client_of(places, guest);
    return client ? finish(((*client).*verb)()) : fail(client.error());
}

// A VMM that does not answer still stands in the ownership record.
Result<pid_t> owner_of(const GuestPlaces& folder, const control::Client& client) {
    if (const auto vm = client.vm())
        return pid_t{vm->pid};
    SEGUE_ASSIGN(auto fd, sys::open(folder.owner(), O_RDWR | O_NOFOLLOW));
    SEGUE_ASSIGN(const auto record, update::Ownership::adopt(std::move(fd)));
    return pid_t{record.owner().pid};
}

Status end_owner(const Places& places, const std::string& guest) {
    SEGUE_ASSIGN(const auto folder, places.guest(guest));
    if (!is_locked(folder))
        return Error(Code::NotFound, "no guest '" + guest + "' runs")
            .way_out("`segue list` shows the guests that run")
            .with("guest", guest);
    const control::Client client(guest, folder.api_socket(), std::chrono::seconds(2));
    // So that no standby takes the guest over. Nothing to cancel, or no answer, is no obstacle.
    static_cast<void>(client.cancel_update());
    SEGUE_ASSIGN(const auto pid, owner_of(folder, client));
    SEGUE_ASSIGN(const UniqueFd owner, sys::pidfd(pid));
    // The pid is the owner's only if it still is now that the pidfd holds on to it.
    SEGUE_ASSIGN(const auto again, owner_of(folder, client));
    if (again != pid)
        return Error(Code::Again, "guest '" + guest + "' has just moved to another process")
            .way_out("try again");
    SEGUE_TRY(sys::pidfd_signal(owner.get(), SIGKILL));
    pollfd p = {owner.get(), POLLIN, 0};
    if (sys::retry([&] { return ::poll(&p, 1, 10000); }) != 1)
        return Error(Code::Deadline, "process " + std::to_string(pid) + " was killed, but lives")
            .way_out("it waits in the kernel: see /proc/" + std::to_string(pid) + "/stack");
    return {};
}

} // namespace

ExitCode cancel(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::cancel_update);
}

ExitCode pause(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::pause);
}

ExitCode resume(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::resume);
}

ExitCode shutdown(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::shutdown);
}

ExitCode kill(const Places& places, const std::string& guest) {
    return finish(end_owner(places, guest));
}

} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
// `segue cancel`, `postcopy`, `recover`, `resolve`, `pause`, `resume`, `wakeup`, `shutdown`,
// `balloon` and `kill`.
#include <csignal>

#include <segue/cpp/sys.hpp>

#include "core/base/units.hpp"
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

// Who owns the guest, by the ownership record: it is there also where nobody answers.
Result<update::ProcessId> owner_of(const GuestPlaces& folder) {
    SEGUE_ASSIGN(auto fd, sys::open(folder.owner(), O_RDWR | O_NOFOLLOW));
    SEGUE_ASSIGN(const auto record, update::Ownership::adopt(std::move(fd)));
    return record.owner();
}

Error moved(const std::string& guest) {
    return Error(Code::Again, "guest '" + guest + "' has just moved to another process")
        .way_out("try again");
}

// A pid may be another process's by now: only with its start time it is the owner's.
Result<UniqueFd> hold_on_to(const update::ProcessId& owner) {
    auto fd = sys::pidfd(owner.pid);
    if (fd && update::ProcessId::of(owner.pid) == owner)
        return fd;
    return Error(Code::NotFound, "the guest's owner, process " + std::to_string(owner.pid) +
                                     ", is dead already; what has its pid now is another process")
        .way_out("nothing is left to end; start the guest anew");
}

Status end_owner(const Places& places, const std::string& guest) {
    SEGUE_ASSIGN(const auto folder, places.guest(guest));
    if (!is_locked(folder))
        return Error(Code::NotFound, "no guest '" + guest + "' runs")
            .way_out("`segue list` shows the guests that run")
            .with("guest", guest);
    // So that no standby takes the guest over. Nothing to cancel, or no answer, is no obstacle.
    const control::Client client(guest, folder.api_socket(), std::chrono::seconds(2));
    static_cast<void>(client.cancel_update());
    SEGUE_ASSIGN(const auto owner, owner_of(folder));
    SEGUE_ASSIGN(const UniqueFd process, hold_on_to(owner));
    SEGUE_ASSIGN(const auto still, owner_of(folder));
    if (still != owner)
        return moved(guest);
    SEGUE_TRY(sys::pidfd_signal(process.get(), SIGKILL));
    pollfd p = {process.get(), POLLIN, 0};
    if (sys::retry([&] { return ::poll(&p, 1, 10000); }) != 1)
        return Error(Code::Deadline,
                     "process " + std::to_string(owner.pid) + " was killed, but lives")
            .way_out("it waits in the kernel: see /proc/" + std::to_string(owner.pid) + "/stack");
    SEGUE_ASSIGN(const auto after, owner_of(folder));
    return after == owner ? Status() : moved(guest);
}

} // namespace

ExitCode cancel(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::cancel_update);
}

ExitCode postcopy(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::switch_now);
}

ExitCode recover(const Places& places, const std::string& guest, const std::string& channel) {
    const auto client = client_of(places, guest);
    return client ? finish(client->recover(channel)) : fail(client.error());
}

ExitCode resolve(const Places& places, const std::string& guest, bool here) {
    const auto client = client_of(places, guest);
    return client ? finish(client->resolve(here)) : fail(client.error());
}

ExitCode pause(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::pause);
}

ExitCode resume(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::resume);
}

ExitCode wakeup(const Places& places, const std::string& guest) {
    return call(places, guest, &control::Client::wakeup);
}

ExitCode shutdown(const Places& places, const std::string& guest, bool force) {
    return call(places, guest, force ? &control::Client::quit : &control::Client::shutdown);
}

ExitCode balloon(const Places& places, const std::string& guest, const std::string& size) {
    const auto client = client_of(places, guest);
    if (!client)
        return fail(client.error());
    if (!size.empty()) {
        const auto bytes = parse_size(size);
        return bytes ? finish(client->set_balloon(*bytes)) : fail(bytes.error());
    }
    const auto vm = client->vm();
    if (!vm)
        return fail(vm.error());
    if (!vm->balloon)
        return fail(Error(Code::Unsupported, "guest '" + guest + "' has no balloon"));
    out(balloon_text(*vm->balloon) + "\n");
    return ExitCode::Ok;
}

ExitCode kill(const Places& places, const std::string& guest) {
    return finish(end_owner(places, guest));
}

} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
// `segue save`: asks for it, and waits until the guest rests.
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/update/ownership.hpp"

namespace segue::cli {
namespace {

using report::UpdateRecord;

constexpr auto kPoll = std::chrono::milliseconds(20);

// The VMM that saved its guest has gone, and so has its socket: the record stays.
bool rests(const GuestPlaces& folder, const UpdateRecord& save) {
    auto fd = sys::open(folder.owner(), O_RDWR | O_NOFOLLOW);
    if (!fd)
        return false;
    const auto record = update::Ownership::adopt(std::move(*fd));
    return record && !is_locked(folder) &&
           record->word() ==
               update::Word{save.from_generation, save.attempt, update::Owner::Offered};
}

Result<UpdateRecord> await(const control::Client& client, const GuestPlaces& folder,
                           UpdateRecord record) {
    while (!report::is_final(record.status)) {
        std::this_thread::sleep_for(kPoll);
        auto next = client.update(record.id);
        if (next)
            record = std::move(*next);
        else if (rests(folder, record))
            record.status = report::UpdateStatus::Completed;
        else if (!is_locked(folder))
            return Error(next.error().code(), "save " + record.id + ": " + next.error().what())
                .way_out("its outcome is not known here: look at the guest's journal and its log");
    }
    return record;
}

} // namespace

ExitCode save(const Places& places, const std::string& guest, const std::string& mode) {
    const auto client = client_of(places, guest);
    const auto folder = places.guest(guest);
    if (!client || !folder)
        return fail(client ? folder.error() : client.error());
    control::UpdateRequest request;
    request.mode = mode;
    request.save = true;
    auto record = client->start_update(request);
    if (!record)
        return fail(record.error());
    record = await(*client, *folder, std::move(*record));
    if (!record)
        return fail(record.error()), ExitCode::Unknown;
    if (record->error)
        fail(*record->error);
    else
        out("guest '" + guest + "' is saved: segue start " + guest + "\n");
    return exit_code_of(*record);
}

} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
// first_boot.cpp - generation 1: everything is made here.
#include <sys/random.h>
#include <sys/stat.h>

#include <unistd.h>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "core/base/unix_socket.hpp"
#include "core/control/json.hpp"
#include "core/inventory/ram.hpp"
#include "core/report/history.hpp"
#include "core/update/fate.hpp"
#include "vmm/main/guest_process.hpp"

namespace segue::vmm {

namespace {

// RFC 9562, version 4.
Result<state::Uuid> random_uuid() {
    state::Uuid uuid = {};
    if (::getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
        return Error::from_errno(errno, "getrandom");
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x40);
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
    return uuid;
}

// Who is of the group may reach the socket: the folder is passed through, its other files are 0600.
Status give_to_group(const GuestPlaces& places, const std::string& name) {
    SEGUE_ASSIGN(const std::optional<gid_t> group, control::group_named(name));
    const gid_t gid = group.value_or(::getegid());
    const mode_t mode = group ? 0710 : 0700;
    for (const std::string& path : {places.run, places.api_socket()})
        if (::chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0)
            return Error::from_errno(errno, "chown " + path);
    if (::chmod(places.run.c_str(), mode) != 0)
        return Error::from_errno(errno, "chmod " + places.run);
    return {};
}

// What nobody could write down any more: the lock is ours, so whoever began these is dead.
void close_journal(const report::Journal& journal, const GuestPlaces& places) {
    const auto history = report::read_history(places.journal(), control::record_from_json);
    if (!history)
        return log::warn(history.error().what());
    for (report::UpdateRecord record : history->records) {
        if (report::is_final(record.status))
            continue;
        update::find_fate(record, places, false);
        if (const auto written = journal.append(record); !written)
            log::warn(written.error().what());
    }
}

} // namespace

Status GuestProcess::make_ram() {
    SEGUE_TRY(RamPlacement(config_.memory).check()); // before anything is left behind
    for (const config::MemoryConfig& m : config_.memory) {
        SEGUE_ASSIGN(plugin::Memory * memory, plugins_->memory(m.id));
        SEGUE_TRY(memory->check(m.size));
        SEGUE_ASSIGN(inventory::RamBlock block,
                     inventory::make_block(*memory, m.id, m.backend, m.size));
        SEGUE_TRY(inventory_.add(std::move(block)));
    }
    return {};
}

Status GuestProcess::listen() {
    SEGUE_ASSIGN(UniqueFd socket, listen_unix(places_.api_socket(), config_.control.mode));
    SEGUE_TRY(give_to_group(places_, config_.control.group));
    return inventory_.add(inventory::Item{"control", std::move(socket)});
}

Status GuestProcess::boot() {
    SEGUE_ASSIGN(UniqueFd lock, take_lock(places_));
    SEGUE_TRY(inventory_.add(inventory::Item{"lock", std::move(lock)}));
    close_journal(journal_, places_);
    remove_stale(places_.standby_socket());
    SEGUE_ASSIGN(facts_.uuid, random_uuid());
    SEGUE_TRY(make_ram());
    const BootFiles files = {config_.kernel, config_.initrd, config_.cmdline};
    SEGUE_TRY(machine_.create({config_.vcpus, files, config_.console,
                               plug_in(config_.devices, config_.name),
                               CpuChoice{config_.cpu, config_.nested}},
                              inventory_));
    run_.attach(machine_.vcpus(), machine_.devices());
    SEGUE_TRY(listen());
    SEGUE_ASSIGN(ownership_, update::Ownership::create(places_.owner(), facts_.uuid));
    SEGUE_TRY(serve(true));
    start_engine({});
    note_start();
    run_.start();
    server_->resume();
    return {};
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// first_boot.cpp - generation 1: everything is made here.
#include <sys/random.h>
#include <sys/stat.h>

#include <grp.h>
#include <unistd.h>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"
#include "core/inventory/ram.hpp"
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

Status give_to_group(const std::string& path, const std::string& name) {
    const struct group* g = ::getgrnam(name.c_str());
    if (g == nullptr)
        return Error(Code::NotFound, "control.socket.group: there is no group '" + name + "'");
    if (::chown(path.c_str(), static_cast<uid_t>(-1), g->gr_gid) != 0)
        return Error::from_errno(errno, "chown " + path);
    return {};
}

} // namespace

Status GuestProcess::make_ram() {
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
    if (!config_.control.group.empty())
        SEGUE_TRY(give_to_group(places_.api_socket(), config_.control.group));
    return inventory_.add(inventory::Item{"control", std::move(socket)});
}

Status GuestProcess::boot() {
    SEGUE_ASSIGN(UniqueFd lock, take_lock(places_));
    SEGUE_TRY(inventory_.add(inventory::Item{"lock", std::move(lock)}));
    SEGUE_ASSIGN(facts_.uuid, random_uuid());
    SEGUE_TRY(make_ram());
    SEGUE_TRY(machine_.create({config_.vcpus, config_.kernel, config_.cmdline, config_.console},
                              inventory_));
    run_.attach(machine_.vcpus(), machine_.devices());
    SEGUE_TRY(listen());
    SEGUE_ASSIGN(ownership_, update::Ownership::create(places_.owner(), facts_.uuid));
    SEGUE_TRY(serve(true));
    start_engine({});
    run_.start();
    server_->resume();
    return {};
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/guest_service.hpp"

#include <unistd.h>

#include <segue/cpp/sys.hpp>

#include "core/base/version.hpp"
#include "core/state/inspect.hpp"

namespace segue::vmm {

namespace {

// As control::VmInfo has it.
std::string console_text(const ConsoleConfig& console) {
    switch (console.kind) {
    case ConsoleKind::None:
        break;
    case ConsoleKind::Stdio:
        return "stdio";
    case ConsoleKind::File:
        return "file:" + console.path;
    case ConsoleKind::Pty:
        return "pty:" + console.path;
    }
    return "none";
}

control::RamInfo ram_info(const inventory::RamBlock& block) {
    control::RamInfo info;
    info.id = block.id;
    info.backend = block.backend;
    info.bytes = block.bytes;
    info.offset = block.offset;
    info.path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(block.fd.get());
    if (const auto st = sys::stat(block.fd.get()))
        info.inode = st->st_ino;
    return info;
}

update::PhaseDeadlines deadlines_of(const config::UpdateConfig& config) {
    update::PhaseDeadlines d;
    d.prepare = config.deadline.prepare;
    d.copy = config.deadline.copy;
    d.drain = config.deadline.drain;
    d.pause = config.deadline.pause;
    d.handover = config.deadline.handover;
    if (config.blackout_budget)
        d.blackout_budget = *config.blackout_budget;
    return d;
}

} // namespace

control::VmInfo GuestService::vm() {
    control::VmInfo info;
    info.name = p_.facts.name;
    info.uuid = state::format_uuid(p_.facts.uuid);
    info.version = version();
    info.pid = ::getpid();
    info.generation = p_.facts.generation;
    info.state = p_.run.state();
    info.vcpus = p_.config.vcpus;
    info.console = console_text(p_.machine.config().console);
    for (const inventory::RamBlock& block : p_.inventory.blocks())
        info.ram.push_back(ram_info(block));
    if (const auto last = engine_->latest())
        info.update = last->id;
    return info;
}

Status GuestService::shutdown() {
    p_.inbox.put(ShutdownRequest{});
    return {};
}

Result<report::UpdateRecord> GuestService::start_update(const control::UpdateRequest& request) {
    const config::UpdateConfig& u = p_.config.update;
    const std::string& usual = u.binary.empty() ? p_.binary : u.binary;
    update::Request r;
    r.mode = request.mode.empty() ? u.mode : request.mode;
    r.save = request.save;
    r.successor.binary = request.binary.empty() ? usual : request.binary;
    r.successor.config = request.config.empty() ? p_.facts.config : request.config;
    r.deadlines = deadlines_of(u);
    if (r.mode.empty())
        return Error(Code::Invalid, "no mode was named, and the configuration names none")
            .way_out("segue update NAME --mode MODE, or set update.mode");
    return engine_->start(std::move(r));
}

} // namespace segue::vmm

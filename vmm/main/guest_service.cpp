// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/guest_service.hpp"

#include <unistd.h>

#include <segue/cpp/sys.hpp>

#include "core/base/units.hpp"
#include "core/base/version.hpp"
#include "core/control/idempotency.hpp"
#include "core/report/terminal.hpp"
#include "core/state/inspect.hpp"

namespace segue::vmm {

namespace {

// Updates by other modes and failed ones may lie between those that a prediction is made of.
constexpr std::size_t kRemembered = 200;

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

// As qemu-guest-agent looks for it.
std::string agent_socket(const std::vector<DeviceConfig>& devices) {
    for (const DeviceConfig& d : devices)
        if (d.text("port") == "org.qemu.guest_agent.0")
            return d.text("socket");
    return "";
}

control::RamInfo ram_info(const inventory::RamBlock& block) {
    control::RamInfo info;
    info.id = block.id;
    info.backend = block.backend;
    info.bytes = block.bytes;
    info.offset = block.offset;
    if (!block.fd) // no other process can see it
        return info;
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
    info.suspend = p_.machine.offers_suspend();
    info.agent = agent_socket(p_.machine.config().devices);
    info.console = console_text(p_.machine.config().console);
    for (const inventory::RamBlock& block : p_.inventory.blocks())
        info.ram.push_back(ram_info(block));
    if (const BalloonSize* balloon = p_.machine.balloon())
        info.balloon = {balloon->wanted() * BalloonSize::kPage,
                        balloon->given() * BalloonSize::kPage};
    if (const auto last = engine_->latest())
        info.update = last->id;
    return info;
}

// Not during an update: between saved and loaded it would be forgotten.
Status GuestService::set_balloon(std::uint64_t bytes) {
    BalloonSize* const balloon = p_.machine.balloon();
    if (balloon == nullptr)
        return Error(Code::Unsupported, "this guest has no balloon")
            .way_out(
                "give it a [[device]] with model = \"virtio-balloon\", from its next start on");
    std::uint64_t ram = 0;
    for (const inventory::RamBlock& block : p_.inventory.blocks())
        ram += block.bytes;
    if (bytes > ram)
        return Error(Code::Invalid, "the guest cannot give back " + format_size(bytes) +
                                        ": it has " + format_size(ram));
    SEGUE_TRY(p_.run.begin());
    balloon->want(static_cast<std::uint32_t>(bytes / BalloonSize::kPage));
    p_.run.finish();
    return {};
}

Status GuestService::wakeup() {
    return p_.run.wake([this] { return p_.machine.wake(); });
}

// Where the guest sleeps, its button wakes it, as on a PC.
Status GuestService::shutdown() {
    return p_.run.state() == report::RunState::Suspended ? wakeup()
                                                         : p_.machine.press_power_button();
}

Status GuestService::quit() {
    SEGUE_TRY(engine_->check_known());
    p_.inbox.put(ShutdownRequest{});
    return {};
}

// Whoever is let in by the socket's group may choose among what the configuration has.
Status GuestService::allowed(const control::UpdateRequest& request) const {
    const auto refused = [](const std::string& key, const std::string& value) {
        return Error(Code::Refused, key + " '" + value +
                                        "' is not the configured one, and only "
                                        "the VMM's own user and root may name another")
            .way_out("leave it out, or have it configured");
    };
    if (request.from_owner)
        return {};
    if (!request.binary.empty() && request.binary != p_.config.update.binary)
        return refused("binary", request.binary);
    if (!request.config.empty() && request.config != p_.facts.config)
        return refused("config", request.config);
    if (!request.channel.empty())
        return refused("channel", request.channel);
    return {};
}

Status GuestService::recover(const std::string& channel, bool from_owner) {
    control::UpdateRequest request;
    request.channel = channel;
    request.from_owner = from_owner;
    SEGUE_TRY(allowed(request));
    return engine_->recover(channel);
}

std::string GuestService::usual_mode(bool save) const {
    const config::UpdateConfig& u = p_.config.update;
    std::vector<std::string> ids = {u.mode};
    ids.insert(ids.end(), u.allow.begin(), u.allow.end());
    const std::string rests = save ? p_.plugins.first_that_rests(ids) : "";
    return rests.empty() ? u.mode : rests; // which then says that it cannot
}

Result<update::Request> GuestService::complete(const control::UpdateRequest& request) const {
    const config::UpdateConfig& u = p_.config.update;
    const std::string& usual = u.binary.empty() ? p_.binary : u.binary;
    update::Request r;
    r.mode = request.mode.empty() ? usual_mode(request.save) : p_.plugins.mode_called(request.mode);
    r.save = request.save;
    r.rehearse = request.rehearse;
    r.successor.binary = request.binary.empty() ? usual : request.binary;
    r.successor.config = request.config.empty() ? p_.facts.config : request.config;
    r.deadlines = deadlines_of(u);
    r.address = request.channel;
    if (!request.key.empty()) {
        r.key = request.key;
        r.digest = control::digest_of(request);
    }
    if (r.mode.empty())
        return Error(Code::Invalid, "no mode was named, and the configuration names none")
            .way_out("segue update NAME --mode MODE, or set update.mode");
    return r;
}

Status GuestService::is_as_expected(const control::UpdateRequest& request) const {
    const std::uint32_t expected = request.expected_generation;
    if (expected != 0 && expected != p_.facts.generation)
        return Error(Code::Refused,
                     "the guest is in generation " + std::to_string(p_.facts.generation) +
                         ", and the request expects generation " + std::to_string(expected))
            .way_out("look at the guest again, and ask with the generation that it has")
            .with("generation", std::to_string(p_.facts.generation))
            .with("expected_generation", std::to_string(expected));
    return {};
}

Result<report::Verdict> GuestService::preflight(const control::UpdateRequest& request) {
    SEGUE_TRY(allowed(request));
    SEGUE_TRY(is_as_expected(request));
    SEGUE_ASSIGN(update::Request wish, complete(request));
    SEGUE_ASSIGN(report::Verdict verdict, engine_->examine(std::move(wish)));
    verdict.blackout = report::predict(known_->newest(kRemembered), verdict.mode);
    const report::Prediction& p = verdict.blackout;
    if (p.known() && verdict.budget.count() != 0 && p.bound > verdict.budget)
        verdict.warnings.emplace_back("the blackout may exceed update.blackout_budget; an update "
                                      "that would is taken back");
    return verdict;
}

Result<report::UpdateRecord> GuestService::start_update(const control::UpdateRequest& request) {
    const std::lock_guard lock(starting_);
    SEGUE_TRY(allowed(request));
    if (const auto begun = known_->by_key(request.key))
        return control::replay(*begun, request);
    SEGUE_TRY(is_as_expected(request));
    SEGUE_ASSIGN(update::Request complete_request, complete(request));
    return engine_->start(std::move(complete_request));
}

// A cancel that waited in the socket's backlog since the pause comes to whoever has the guest now.
Status GuestService::cancel_update() {
    Status cancelled = engine_->cancel();
    const auto last = engine_->latest();
    if (cancelled.code() != Code::NotFound || !last)
        return cancelled;
    // The one that brought the guest here, from the moment on in which it runs.
    if (last->to_pid == ::getpid() && !report::is_final(last->status))
        return Error(Code::Refused, "too late: the guest runs here, and depends on both VMMs until "
                                    "all of its RAM is here")
            .way_out("wait for it: segue watch " + p_.facts.name);
    if (last->status == report::UpdateStatus::Completed)
        return Error(Code::Refused,
                     "too late: update " + last->id + " has completed, and none is running")
            .way_out("update back to the older binary");
    return std::move(cancelled).error().with("last", report::result_line(*last));
}

} // namespace segue::vmm

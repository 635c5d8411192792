// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/reception.hpp"

#include <unistd.h>

#include "core/base/version.hpp"

namespace segue::vmm {

void WaitingService::attach(const update::Incoming* incoming) {
    const std::lock_guard lock(mutex_);
    incoming_ = incoming;
}

Error WaitingService::not_here() const {
    return Error(Code::Phase, "guest '" + config_.name + "' is not on this host yet")
        .way_out(doubt_.is_open()
                     ? "say where it is to run: segue resolve " + config_.name + " --here|--there"
                     : "wait for its update from the other host");
}

report::UpdateRecord WaitingService::record() const {
    const std::lock_guard lock(mutex_);
    report::UpdateRecord r = incoming_ != nullptr ? incoming_->record() : report::UpdateRecord{};
    if (doubt_.is_open())
        r.switch_over = report::SwitchOver::InDoubt;
    return r;
}

control::VmInfo WaitingService::vm() {
    const report::UpdateRecord r = record();
    control::VmInfo info;
    info.name = config_.name;
    info.uuid = r.guest;
    info.version = version();
    info.pid = ::getpid();
    info.state = report::RunState::Inmigrate;
    info.vcpus = config_.vcpus;
    info.console = "none";
    info.update = r.id;
    return info;
}

Status WaitingService::quit() {
    inbox_.put(ShutdownRequest{});
    return {};
}

Result<report::UpdateRecord> WaitingService::update(const std::string& id) {
    report::UpdateRecord r = record();
    if (!id.empty() && r.id == id)
        return r;
    return Error(Code::NotFound, "no update '" + id + "' of this guest is known");
}

std::vector<report::UpdateRecord> WaitingService::updates(std::size_t) {
    report::UpdateRecord r = record();
    return r.id.empty() ? std::vector<report::UpdateRecord>() : std::vector{std::move(r)};
}

// Durable before anything follows from it.
Status WaitingService::resolve(bool here) {
    const update::Place place = here ? update::Place::Here : update::Place::There;
    report::UpdateRecord r = record();
    if (doubt_.is_open()) {
        r.switch_over = update::resolved_to(place);
        SEGUE_TRY(journal_.append(r));
    }
    return doubt_.resolve(place);
}

} // namespace segue::vmm

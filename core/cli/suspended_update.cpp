// SPDX-License-Identifier: Apache-2.0
#include "core/cli/suspended_update.hpp"

#include <thread>

#include "core/cli/agent_of.hpp"

namespace segue::cli {
namespace {

using report::RunState;

constexpr std::chrono::seconds kAgent{5}; // to answer at all
constexpr std::chrono::milliseconds kLook{50};
constexpr std::chrono::seconds kWake{10};
constexpr std::chrono::seconds kAwake{30}; // its kernel starts its devices again
constexpr std::chrono::seconds kCall{1};   // an agent that is awake answers in milliseconds

Result<control::Agent> able(const control::VmInfo& vm) {
    if (vm.state != RunState::Running)
        return Error(Code::Refused, "guest '" + vm.name + "' cannot be suspended: it is " +
                                        report::name_of(vm.state))
            .way_out(vm.state == RunState::Suspended ? "update it as it is, without --suspend"
                                                     : "segue resume " + vm.name);
    if (!vm.suspend)
        return Error(Code::Refused, "the hardware of guest '" + vm.name + "' has no suspend to RAM")
            .way_out("an older VMM made it: it has S3 once this one has booted it anew");
    return agent_of(vm, Deadline::in(kAgent));
}

Error too_late(const control::VmInfo& vm, std::chrono::seconds timeout) {
    return Error(Code::Deadline, "guest '" + vm.name + "' did not fall asleep within " +
                                     std::to_string(timeout.count()) + " s; it was not updated")
        .way_out("look at its log, or give it more time with --suspend-timeout; should it still "
                 "fall asleep: segue wakeup " +
                 vm.name);
}

// An update that has just ended may hold it for another moment.
Status wake_up(const control::Client& client) {
    const Deadline deadline = Deadline::in(kWake);
    for (;;) {
        Status s = client.wakeup();
        if (s.code() != Code::Exists || deadline.passed())
            return s;
        std::this_thread::sleep_for(kLook);
    }
}

} // namespace

Status can_suspend(const control::Client& client) {
    SEGUE_ASSIGN(const auto vm, client.vm());
    auto agent = able(vm);
    return agent ? Status() : std::move(agent).error();
}

Status suspend(const control::Client& client, std::chrono::seconds timeout) {
    const Deadline deadline = Deadline::in(timeout);
    SEGUE_ASSIGN(auto vm, client.vm());
    SEGUE_ASSIGN(auto agent, able(vm));
    SEGUE_TRY(agent.send("guest-suspend-ram", "", deadline));
    // The agent speaks up only where it fails; whether the guest sleeps, the VMM knows.
    while (!deadline.passed()) {
        SEGUE_ASSIGN(vm, client.vm());
        if (vm.state == RunState::Suspended)
            return {};
        const auto said = agent.answer(Deadline::in(kLook));
        if (!said && said.code() != Code::Deadline)
            return Error(said.error()).while_doing("suspend the guest");
    }
    return too_late(vm, timeout);
}

Status wake(const control::Client& client) {
    SEGUE_TRY(wake_up(client));
    SEGUE_ASSIGN(const auto vm, client.vm());
    for (const Deadline deadline = Deadline::in(kAwake);;) {
        auto agent = agent_of(vm, Deadline::in(kCall));
        if (agent)
            return {};
        if (agent.code() != Code::Deadline || deadline.passed())
            return std::move(agent)
                .error()
                .while_doing("wait for the guest, which was woken, to be awake")
                .way_out("look at its console; what became of the update: segue history " +
                         vm.name);
    }
}

} // namespace segue::cli

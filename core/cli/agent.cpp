// SPDX-License-Identifier: Apache-2.0
// `segue agent`: one command to the QEMU guest agent.
#include "core/control/agent.hpp"

#include "core/cli/agent_of.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"

namespace segue::cli {

namespace {

// How long an error is waited for where success has no answer.
constexpr std::chrono::seconds kSilence{2};

} // namespace

Result<control::Agent> agent_of(const control::VmInfo& vm, Deadline deadline) {
    if (vm.agent.empty())
        return Error(Code::Refused,
                     "guest '" + vm.name + "' has no port org.qemu.guest_agent.0 with a socket")
            .way_out(
                "give it a device of model \"virtio-console\" with options port = "
                "\"org.qemu.guest_agent.0\" and socket = \"PATH\"; it has it from its next boot on")
            .with("port", "org.qemu.guest_agent.0");
    return control::Agent::connect(vm.agent, deadline);
}

ExitCode agent(const Places& places, const AgentOptions& options) {
    const auto client = client_of(places, options.guest);
    if (!client)
        return fail(client.error());
    const auto vm = client->vm();
    if (!vm)
        return fail(vm.error());
    const Deadline deadline = Deadline::in(std::chrono::seconds(options.timeout_s));
    auto agent = agent_of(*vm, deadline);
    if (!agent)
        return fail(agent.error());
    if (const Status s = agent->send(options.command, options.arguments, deadline); !s)
        return fail(s.error());
    const bool silent = control::Agent::is_silent(options.command);
    const auto answer =
        agent->answer(silent ? earlier(deadline, Deadline::in(kSilence)) : deadline);
    if (silent && answer.code() == Code::Deadline) {
        out(options.command + " was sent; it has no answer but where it fails\n");
        return ExitCode::Ok;
    }
    if (!answer)
        return fail(answer.error());
    out(*answer + "\n");
    return ExitCode::Ok;
}

} // namespace segue::cli

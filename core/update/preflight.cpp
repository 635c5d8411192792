// SPDX-License-Identifier: Apache-2.0
#include "core/update/preflight.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <segue/abi/memory.h>
#include <segue/abi/transport.h>

#include "core/base/list.hpp"
#include "core/plugin/kinds.hpp"
#include "core/update/exec_fds.hpp"
#include "core/update/pages.hpp"
#include "core/update/services.hpp"

namespace segue::update {

namespace {

std::string names_of(std::uint64_t caps) {
    return list_of(plugin::cap_names(*plugin::kind_by_table(SEGUE_TRANSPORT_ID), caps));
}

// What was cut off would look like zero pages to whoever copies it.
bool is_cut_short(const inventory::RamBlock& b) {
    struct stat st = {};
    return b.fd && ::fstat(b.fd.get(), &st) == 0 && S_ISREG(st.st_mode) &&
           static_cast<std::uint64_t>(st.st_size) < b.offset + b.bytes;
}

// What a successor of this kind asks of RAM that stays in place.
std::uint64_t needed_of(std::uint32_t successor) {
    switch (successor) {
    case SEGUE_SUCCESSOR_SELF:
        return SEGUE_SURVIVES_EXEC;
    case SEGUE_SUCCESSOR_LATER:
        return SEGUE_SURVIVES_RESTART;
    default:
        return SEGUE_SURVIVES_TRANSFER;
    }
}

} // namespace

Status check_channel(PluginSet& plugins, const std::string& mode, const plugin::Plan& plan,
                     const plugin::ChannelNeed& need, const std::string& address) {
    std::uint64_t needed = need.need_caps;
    if (plan.successor != SEGUE_SUCCESSOR_PEER)
        needed |= SEGUE_TRANSPORT_PERSISTENT;
    if (!address.empty()) // the engine's connection goes there, too
        needed |= SEGUE_TRANSPORT_MULTI | SEGUE_TRANSPORT_BIDIRECTIONAL;
    SEGUE_ASSIGN(plugin::Transport t, plugins.transport_of(need.name, plan.successor, address));
    const std::uint64_t lacks = needed & ~t.caps();
    if (lacks != 0)
        return Error(Code::Refused, t.name() + " cannot serve channel '" + need.name +
                                        "' of mode/" + mode + ": it lacks " + names_of(lacks))
            .way_out("set update.channels." + need.name +
                     ".transport to one that has it: segue plugins")
            .with("channel", need.name)
            .with("plugin", t.name());
    return t.check();
}

Status check_arbiter(const plugin::Plan& plan, const std::string& mode,
                     const std::string& address) {
    const bool peer = plan.successor == SEGUE_SUCCESSOR_PEER;
    if (!address.empty() && (!peer || (plan.arbiters & SEGUE_ARBITER_HANDSHAKE) == 0))
        return Error(Code::Refused, "mode/" + mode + " works on one host only")
            .way_out("leave --channel out, or use a mode that switches over between two hosts: "
                     "segue plugins shows 'arbiter-handshake'")
            .with("plugin", "mode/" + mode);
    if (address.empty() && peer && (plan.arbiters & SEGUE_ARBITER_WORD) == 0)
        return Error(Code::Refused, "mode/" + mode + " works between two hosts only")
            .way_out("say where the other one listens: --channel tcp:ADDRESS:PORT")
            .with("plugin", "mode/" + mode);
    return {};
}

Status check_channels(PluginSet& plugins, const Hello& hello, const plugin::Plan& plan,
                      const config::Identity& resting_place) {
    if (plan.successor != SEGUE_SUCCESSOR_PEER)
        SEGUE_TRY(config::same_identity(hello.resting_place, resting_place));
    for (const plugin::ChannelNeed& need : plan.channels)
        SEGUE_TRY(check_channel(plugins, hello.mode, plan, need));
    return {};
}

std::vector<Error> check_blocks(const inventory::Inventory& inventory, const plugin::Plan& plan,
                                const std::string& mode) {
    std::vector<Error> all;
    for (std::size_t i = 0; i < inventory.blocks().size(); ++i) {
        const inventory::RamBlock& b = inventory.blocks()[i];
        if (is_cut_short(b))
            all.push_back(
                Error(Code::Corrupt, "the file of RAM block '" + b.id +
                                         "' is shorter than the block: what was cut off "
                                         "is lost")
                    .way_out("nothing can bring it back: shut the guest down, and find out "
                             "who truncates its RAM")
                    .with("block", b.id));
        const bool in_place = (plan.ram_of_block[i] & SEGUE_RAM_IN_PLACE) != 0;
        const bool named = (b.survives & SEGUE_SURVIVES_RESTART) != 0;
        if (!in_place && named && plan.successor == SEGUE_SUCCESSOR_PEER)
            all.push_back(
                Error(Code::Refused, "RAM block '" + b.id + "' (memory/" + b.backend +
                                         ") lies where a new VMM beside this one would make its "
                                         "own")
                    .way_out("use a mode that leaves RAM in place")
                    .with("block", b.id));
        // Whether it can be converted is asked of those who would do it.
        const bool converted = (plan.needs & SEGUE_NEEDS_RAM_CONVERT) != 0 && !b.fd;
        const bool stamped = plan.successor != SEGUE_SUCCESSOR_LATER || b.stamp != SEGUE_NO_STAMP;
        if (in_place && !converted && ((b.survives & needed_of(plan.successor)) == 0 || !stamped))
            all.push_back(
                Error(Code::Refused, "RAM block '" + b.id + "' (memory/" + b.backend +
                                         ") does not outlive what mode/" + mode + " does")
                    .way_out("use a mode that copies RAM, or first one that makes it shared; or "
                             "start the guest with another memory back-end")
                    .with("block", b.id));
    }
    return all;
}

std::vector<Error> blockers_without_guest(PluginSet& plugins, inventory::Inventory& inventory,
                                          ports::Userfault& userfault, const std::string& id) {
    std::vector<Error> all;
    const auto note = [&all](Status s) {
        if (!s)
            all.push_back(std::move(s).error());
    };
    plugin::Plan plan;
    Session session(Side::Outgoing, inventory, [&](const std::string& name) {
        return plugins.transport_of(name, plan.successor);
    });
    const Services services(session);
    auto mode = plugins.mode(id, Side::Outgoing, services.tables());
    if (!mode)
        return {mode.error()};
    auto made = mode->plan(as_abi(inventory.blocks()));
    if (!made)
        return {made.error()};
    plan = std::move(*made);
    all = check_blocks(inventory, plan, id);
    for (const plugin::ChannelNeed& need : plan.channels)
        note(check_channel(plugins, id, plan, need));
    if ((plan.needs & SEGUE_NEEDS_USERFAULT) != 0)
        note(userfault.check());
    ExecFds fds;
    if ((plan.needs & SEGUE_NEEDS_KEEPER) != 0)
        if (auto keeper = plugins.keeper(fds.table()); !keeper)
            all.push_back(keeper.error());
    note(mode->check());
    mode->end(SEGUE_OUTCOME_CANCELLED);
    return all;
}

Status check_binary(const std::string& path) {
    struct stat st = {};
    if (path.empty() || path[0] != '/')
        return Error(Code::Invalid, "the new binary '" + path + "' is not an absolute path")
            .way_out("set update.binary, or use --binary /path/to/segue-vmm")
            .with("binary", path);
    if (::stat(path.c_str(), &st) != 0)
        return Error::from_errno(errno, "the new binary " + path)
            .way_out("set update.binary, or use --binary /path/to/segue-vmm")
            .with("binary", path);
    if (!S_ISREG(st.st_mode) || ::access(path.c_str(), X_OK) != 0)
        return Error(Code::Refused, "the new binary " + path + " is no executable file")
            .way_out("chmod +x, or name another with --binary")
            .with("binary", path);
    return {};
}

} // namespace segue::update

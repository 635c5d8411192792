// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/adapters/mode.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/base/utf8.hpp"

namespace segue::plugin {

namespace {

constexpr std::uint32_t max_channels = 64; // of a plan, and connections of each
constexpr std::size_t max_name = 63;
constexpr std::uint32_t all_needs = SEGUE_NEEDS_DIRTY_LOG | SEGUE_NEEDS_USERFAULT |
                                    SEGUE_NEEDS_INVENTORY | SEGUE_NEEDS_KEEPER |
                                    SEGUE_NEEDS_RAM_CONVERT;

bool subset(std::uint32_t of, std::uint32_t all) {
    return of != 0 && (of & ~all) == 0;
}

// "" where the plan is one that the mode said it could make.
std::string fault_of(const segue_mode& mode, const segue_plan& p,
                     const std::vector<std::uint32_t>& ram_of_block) {
    if (!std::has_single_bit(p.successor) || !subset(p.successor, mode.successors))
        return "its successor is none of those that it declares";
    if (!subset(p.arbiters, mode.arbiters))
        return "its arbiters are not among those that it declares";
    if ((p.needs & ~all_needs) != 0)
        return "it needs something unknown";
    std::uint32_t seen = 0;
    for (const std::uint32_t ram : ram_of_block) {
        if (!subset(ram, mode.ram))
            return "a block's RAM crosses in no way that it declares";
        if ((ram & SEGUE_RAM_IN_PLACE) != 0 && ram != SEGUE_RAM_IN_PLACE)
            return "a block's RAM stays in place and crosses as well";
        seen |= ram;
    }
    if (!ram_of_block.empty() && seen != p.ram)
        return "its RAM set is not the union over the blocks";
    if (p.n_channels > max_channels || (p.n_channels != 0 && p.channels == nullptr))
        return "its list of channels is not whole";
    return {};
}

// "" for a sound one, which is appended.
std::string add_channel(const segue_channel_need& raw, std::vector<ChannelNeed>& out) {
    if (raw.name == nullptr)
        return "a channel has no name";
    const std::size_t n = ::strnlen(raw.name, max_name + 1);
    if (n == 0 || n > max_name || !is_utf8({raw.name, n}))
        return "a channel has no proper name";
    if (raw.count == 0 || raw.count > max_channels)
        return std::string("channel ") + raw.name + " has no proper count";
    if (std::any_of(out.begin(), out.end(), [&](const auto& c) { return c.name == raw.name; }))
        return std::string("two channels are called ") + raw.name;
    out.push_back({raw.name, raw.need_caps, (raw.flags & SEGUE_CHANNEL_OPTIONAL) != 0, raw.count});
    return {};
}

} // namespace

Result<Mode> Mode::create(const LoadedPlugin& plugin, const PluginConfig& config,
                          std::uint32_t side, const ModeServices& services) {
    const Given given[] = {
        {SEGUE_UPDATE_ID, services.update},           {SEGUE_RAM_ID, services.ram},
        {SEGUE_THREADS_ID, services.threads},         {SEGUE_DIRTY_ID, services.dirty},
        {SEGUE_RAM_CONVERT_ID, services.ram_convert}, {SEGUE_USERFAULT_ID, services.userfault},
        {SEGUE_THROTTLE_ID, services.throttle}};
    SEGUE_ASSIGN(auto i, make_instance<segue_mode>(
                             plugin, SEGUE_MODE_ID, config,
                             [&](auto& made, segue_error* e) {
                                 return made.table.create(config.abi(), made.host.abi(), side,
                                                          &made.self, e);
                             },
                             given));
    const segue_mode& t = i->table;
    SEGUE_TRY(check_caps(plugin, mode_cap_bits(t.successors, t.arbiters, t.ram)));
    if (t.wire_rev != plugin.manifest().wire_rev ||
        t.wire_rev_min != plugin.manifest().wire_rev_min)
        return broken(plugin.name(), "table", "its wire revisions are not those of its manifest");
    return Mode(std::move(i));
}

Result<Plan> Mode::plan(std::span<const segue_block> blocks) {
    Plan made;
    made.ram_of_block.resize(blocks.size());
    segue_plan raw = {};
    raw.size = sizeof raw;
    SEGUE_TRY(call(name(), "plan", [&](segue_error* e) {
        return instance_->table.plan(instance_->self, blocks.data(),
                                     static_cast<std::uint32_t>(blocks.size()),
                                     made.ram_of_block.data(), &raw, e);
    }));
    std::string fault = fault_of(instance_->table, raw, made.ram_of_block);
    for (std::uint32_t i = 0; fault.empty() && i < raw.n_channels; ++i)
        fault = add_channel(raw.channels[i], made.channels);
    if (!fault.empty())
        return broken(name(), "plan", fault);
    made.successor = raw.successor;
    made.arbiters = raw.arbiters;
    made.ram = raw.ram;
    made.needs = raw.needs;
    return made;
}

Status Mode::hook(const char* function, segue_status (*f)(void*, segue_error*)) {
    if (f == nullptr)
        return {};
    return call(name(), function, [&](segue_error* e) { return f(instance_->self, e); });
}

void Mode::end(std::uint32_t outcome) {
    if (instance_->table.end != nullptr)
        instance_->table.end(instance_->self, outcome);
}

} // namespace segue::plugin

// SPDX-License-Identifier: Apache-2.0
#include "vmm/doctor/guest.hpp"

#include <sys/mman.h>

#include <segue/abi/memory.h>

#include "core/base/units.hpp"
#include "core/update/preflight.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/memory/ram_placement.hpp"
#include "vmm/memory/userfault.hpp"

namespace segue::vmm {

namespace {

// Of a block that is not made: what its back-end says of all that it makes.
inventory::RamBlock as_if_made(const config::MemoryConfig& config, std::uint64_t caps) {
    inventory::RamBlock block;
    block.id = config.id;
    block.backend = config.backend;
    block.bytes = config.size;
    block.map_flags = MAP_SHARED;
    block.survives = caps & (SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER |
                             SEGUE_SURVIVES_RESTART | SEGUE_SURVIVES_KERNEL);
    if ((caps & SEGUE_SURVIVES_RESTART) != 0)
        block.stamp = 0;
    return block;
}

Result<Finding> look_at_block(const config::MemoryConfig& config, update::PluginSet& plugins,
                              inventory::Inventory& inventory) {
    SEGUE_ASSIGN(plugin::Memory * memory, plugins.memory(config.id));
    SEGUE_TRY(inventory.add(as_if_made(config, memory->caps())));
    SEGUE_TRY(memory->check(config.size));
    return yes("RAM " + config.id, format_size(config.size) + " of memory/" + config.backend);
}

// Nothing where there is no KVM, which is said of the host.
Findings look_at_cpu(const config::GuestConfig& config) {
    const auto kvm = Kvm::open();
    if (!kvm)
        return {};
    const auto choose = [&]() -> Status {
        SEGUE_ASSIGN(const Vm vm, Vm::create(*kvm));
        const auto cpu = chosen_cpuid(*kvm, vm, {config.cpu, config.nested});
        return cpu ? Status() : cpu.error();
    };
    const std::string subject = "CPU " + config.cpu;
    if (const Status s = choose(); !s)
        return {no(subject, s.error())};
    return {yes(subject, config.nested ? "with guests of its own" : "this host can show it")};
}

Finding look_at_mode(const std::string& mode, update::PluginSet& plugins,
                     inventory::Inventory& inventory) {
    Userfault userfault(inventory);
    const std::vector<Error> blockers =
        update::blockers_without_guest(plugins, inventory, userfault, mode);
    if (blockers.empty())
        return yes(mode, "this guest can be moved by it");
    return no(mode, blockers.front());
}

} // namespace

Findings look_at_guest(const config::GuestConfig& config, update::PluginSet& plugins) {
    Findings all = look_at_cpu(config);
    inventory::Inventory inventory;
    for (const config::MemoryConfig& m : config.memory) {
        auto found = look_at_block(m, plugins, inventory);
        if (found)
            all.push_back(std::move(*found));
        else if (found.code() == Code::Exists) // it runs, or rests
            all.push_back(missing("RAM " + m.id, found.error()));
        else
            all.push_back(no("RAM " + m.id, found.error()));
    }
    if (const Status s = RamPlacement(config.memory).check(); !s)
        all.push_back(no("RAM placement", s.error()));
    for (const std::string& mode : config.update.allow)
        all.push_back(look_at_mode(mode, plugins, inventory));
    if (config.update.allow.empty())
        all.push_back(missing("modes", Error(Code::Refused, "the configuration allows none")
                                           .way_out("set update.mode and update.allow")));
    return all;
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "core/config/guest_config.hpp"

namespace segue::config {

namespace {

constexpr std::uint64_t kMiB = 1ull << 20;
constexpr std::uint64_t kTiB = 1ull << 40;
constexpr std::uint64_t kUs = 1;
constexpr std::uint64_t kHour = 3600ull * 1000 * 1000;
constexpr Rule kName = {Type::Name};
constexpr Rule kPath = {Type::Path};
constexpr Rule kText = {Type::String};
constexpr Rule kTable = {Type::Table};
constexpr Rule kTime = {Type::Duration, kUs, kHour};

constexpr Key kKeys[] = {
    // identity: carried, and compared in an update
    {"guest.name", kName, true, nullptr, "name of the guest, unique on this host"},
    {"guest.vcpus", {Type::Uint, 1, 64}, false, "1", "number of virtual CPUs"},
    {"guest.cpu",
     {Type::Choice, 0, 0, "host|x86-64-v1|x86-64-v2|x86-64-v3|x86-64-v4"},
     false,
     "host",
     "all that the host's has; or that much on every host"},
    {"guest.nested", {Type::Bool}, false, "false", "the guest may run guests of its own"},
    {"guest.kernel", kPath, true, nullptr, "bzImage or PVH ELF file that the guest boots"},
    {"guest.initrd", kPath, false, nullptr, "the kernel's first file system"},
    {"guest.cmdline", kText, false, "", "the kernel's command line"},
    {"memory[].id", kName, true, nullptr, "name of the block, unique"},
    {"memory[].size",
     {Type::Size, 16 * kMiB, 64 * kTiB},
     true,
     nullptr,
     "size, a multiple of 4096"},
    {"memory[].backend", kName, true, nullptr, "memory plugin that makes the block"},
    {"memory[].options", kTable, false, "", "that plugin's own keys"},
    // of the block, but this host's: two generations may differ
    {"memory[].numa.nodes", kText, false, nullptr, "NUMA nodes that hold the block: \"0-1,3\""},
    {"memory[].numa.policy",
     {Type::Choice, 0, 0, "bind|preferred|interleave"},
     false,
     nullptr,
     "only there (default); there first, one node; by turns"},
    {"memory[].prealloc", {Type::Bool}, false, "false", "take all of it before the guest boots"},
    {"memory[].lock", {Type::Bool}, false, "false", "never swap it out"},
    {"device[].id", kName, true, nullptr, "name of the device, unique"},
    {"device[].model", kName, true, nullptr, "what it is to the guest"},
    {"device[].options", kTable, false, "", "that model's own keys"},
    // from here on two generations may differ
    {"console.backend",
     {Type::Choice, 0, 0, "none|stdio|file|pty"},
     false,
     "none",
     "where the guest's serial port leads"},
    {"console.path", kPath, false, nullptr, "the file of backend \"file\""},
    {"plugins.dirs", {Type::Paths}, false, "", "searched before the built-in directory"},
    {"update.mode", kName, false, nullptr, "mode of an update that names none"},
    {"update.allow", {Type::Names}, false, nullptr, "modes that may be used; default: the mode"},
    {"update.binary", kPath, false, nullptr, "VMM of the next generation; default: this one"},
    {"update.keeper", kName, false, nullptr, "who holds the guest while no VMM lives"},
    {"update.keeper_options", kTable, false, "", "the keeper's own keys"},
    {"update.blackout_budget", kTime, false, nullptr, "longest pause that is accepted"},
    {"update.dirty_ring_size",
     {Type::Uint, 0, 65536},
     false,
     "0",
     "entries of a vCPU's ring of pages that it wrote; 0: KVM keeps bitmaps"},
    {"update.deadline.prepare", kTime, false, "10s", "to have the new VMM ready"},
    {"update.deadline.copy", kTime, false, "10m", "to move RAM while the guest runs"},
    {"update.deadline.pause", kTime, false, "2s", "to stop the vCPUs"},
    {"update.deadline.drain", kTime, false, "5s", "for host I/O in flight, before the pause"},
    {"update.deadline.handover", kTime, false, "2s", "for the new VMM to take the guest over"},
    {"update.channels.*.transport", kName, true, nullptr, "transport plugin of the channel"},
    {"update.channels.*.options", kTable, false, "", "that plugin's own keys"},
    {"update.options.*", kTable, false, nullptr, "a mode's own keys"},
    {"control.socket.mode", kText, false, "0600", "permissions of the control socket, octal"},
    {"control.socket.group", kText, false, "", "group of the control socket"},
};

} // namespace

std::span<const Key> guest_keys() {
    return kKeys;
}

} // namespace segue::config

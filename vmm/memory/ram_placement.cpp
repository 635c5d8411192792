// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/ram_placement.hpp"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/number_list.hpp"
#include "core/base/units.hpp"
#include "core/inventory/ram.hpp"
#include "vmm/memory/prealloc.hpp"
#include "vmm/memory/slots.hpp"

namespace segue::vmm {

namespace {

constexpr unsigned kNodes = 1024;  // config::NumaConfig knows no more
constexpr unsigned kWordBits = 64; // of the system call's mask
using NodeMask = std::array<unsigned long, kNodes / kWordBits>;

NodeMask mask_of(const config::NumaConfig& numa) {
    NodeMask mask = {};
    for (const unsigned node : numa.nodes)
        mask[node / kWordBits] |= 1ul << node % kWordBits;
    return mask;
}

int mode_of(const config::NumaConfig& numa) {
    if (numa.nodes.empty())
        return MPOL_DEFAULT;
    return numa.policy == config::NumaPolicy::Bind        ? MPOL_BIND
           : numa.policy == config::NumaPolicy::Preferred ? MPOL_PREFERRED
                                                          : MPOL_INTERLEAVE;
}

std::string named(const std::string& id) {
    return "RAM block '" + id + "'";
}

std::string nodes_with_memory() {
    std::string list;
    std::getline(std::ifstream("/sys/devices/system/node/has_memory"), list);
    return list.empty() ? "0" : list; // a kernel without NUMA
}

// mbind(2) itself drops a node that does not exist where another one does.
Status check_nodes(const std::string& id, const config::NumaConfig& numa) {
    const std::string there = nodes_with_memory();
    const auto list = parse_number_list(there);
    for (const unsigned node : numa.nodes)
        if (!list || !std::binary_search(list->begin(), list->end(), node))
            return Error(Code::Refused, named(id) + " is to lie on NUMA node " +
                                            std::to_string(node) +
                                            ", and this host has memory on " + there)
                .way_out("change memory.numa.nodes in the guest's file: an update may")
                .with("block", id);
    return {};
}

bool has_policy(const std::byte* base, const config::NumaConfig& numa) {
    int mode = 0;
    NodeMask mask = {};
    if (::syscall(SYS_get_mempolicy, &mode, mask.data(), kNodes, base, MPOL_F_ADDR) != 0)
        return numa.nodes.empty();
    return mode == mode_of(numa) && mask == mask_of(numa);
}

Status set_policy(const std::string& id, const Mapping& map, const config::NumaConfig& numa) {
    const NodeMask mask = mask_of(numa);
    const bool none = numa.nodes.empty();
    if (::syscall(SYS_mbind, map.data(), map.size(), mode_of(numa), none ? nullptr : mask.data(),
                  none ? 0 : kNodes + 1, 0) == 0) // the kernel takes one bit off
        return {};
    return Error::from_errno(errno, "set the NUMA policy of " + named(id))
        .way_out("the VMM's cpuset must have the nodes, its system call filter mbind(2); or leave "
                 "memory.numa out")
        .with("block", id);
}

Status check_policy(const std::string& id, const config::NumaConfig& numa) {
    SEGUE_ASSIGN(const Mapping page, Mapping::make(4096, PROT_READ | PROT_WRITE,
                                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, named(id)));
    return set_policy(id, page, numa);
}

// Nobody has touched a page of it. hugetlbfs knows no holes, but counts its pages.
bool is_new(const inventory::RamBlock& block) {
    const auto file = sys::stat(block.fd.get());
    const std::uint64_t end = block.offset + block.bytes;
    return !file || file->st_blocks == 0 ||
           sys::next_data(block.fd.get(), block.offset, end).start == end;
}

// Pages are locked as they come: a hole stays a hole.
Status lock(const inventory::RamBlock& block) {
    if (::mlock2(block.base(), block.bytes, MLOCK_ONFAULT) == 0)
        return {};
    const int why = errno;
    rlimit limit = {};
    (void)::getrlimit(RLIMIT_MEMLOCK, &limit);
    return Error(Code::Refused, named(block.id) + " of " + format_size(block.bytes) +
                                    " cannot be locked in memory: RLIMIT_MEMLOCK is " +
                                    (limit.rlim_cur == RLIM_INFINITY
                                         ? std::string("infinite")
                                         : format_size(limit.rlim_cur) + " a process") +
                                    "; " + std::strerror(why))
        .way_out("ulimit -l unlimited, LimitMEMLOCK=infinity of the service, or memory.lock = "
                 "false in the guest's file")
        .with("block", block.id);
}

} // namespace

const config::MemoryConfig* RamPlacement::find(const std::string& id) const {
    const auto at = std::find_if(wanted_.begin(), wanted_.end(),
                                 [&](const config::MemoryConfig& m) { return m.id == id; });
    return at != wanted_.end() ? &*at : nullptr;
}

Status RamPlacement::check() const {
    inventory::Inventory room;
    for (const config::MemoryConfig& m : wanted_) {
        SEGUE_ASSIGN(inventory::RamBlock block, inventory::stand_in(m.id, m.size));
        SEGUE_TRY(room.add(std::move(block)));
    }
    return RamPlacement(wanted_).prepare(room);
}

Status RamPlacement::prepare(const inventory::Inventory& inventory) {
    pending_.clear();
    for (const inventory::RamBlock& block : inventory.blocks()) {
        const config::MemoryConfig* m = find(block.id);
        if (m == nullptr)
            continue;
        SEGUE_TRY(check_nodes(m->id, m->numa));
        if (!m->numa.nodes.empty() && block.fd && !lives_in_memory(block.fd.get()))
            return Error(Code::Refused, named(m->id) + " lies on a disk, whose pages in memory "
                                                       "follow no NUMA policy of a file")
                .way_out("put its file on tmpfs or hugetlbfs, or leave memory.numa out")
                .with("block", m->id);
        if (m->lock)
            SEGUE_TRY(lock(block));
        if (has_policy(block.base(), m->numa))
            continue;
        if (is_new(block)) {
            SEGUE_TRY(set_policy(m->id, block.map, m->numa));
        } else {
            SEGUE_TRY(check_policy(m->id, m->numa));
            pending_.push_back({&block, m->numa});
        }
    }
    return {};
}

std::vector<Error> RamPlacement::apply() const {
    std::vector<Error> failed;
    for (const Pending& p : pending_)
        if (Status s = set_policy(p.block->id, p.block->map, p.numa); !s)
            failed.push_back(std::move(s).error());
    return failed;
}

Status RamPlacement::preallocate(const inventory::Inventory& inventory) const {
    for (const inventory::RamBlock& block : inventory.blocks())
        if (const config::MemoryConfig* m = find(block.id); m != nullptr && m->prealloc)
            SEGUE_TRY(vmm::preallocate(block));
    return {};
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/slots.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

void populate(const inventory::RamBlock& block) {
    // Writing ahead to a file on a disk would dirty all of it.
    const int advice = lives_in_memory(block.fd.get()) ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    const std::uint64_t end = block.offset + block.bytes;
    // The file's offset, which generations share, moves; nothing else uses it.
    for (std::uint64_t at = block.offset; at < end;) {
        const sys::Extent data = sys::next_data(block.fd.get(), at, end);
        if (data.end <= data.start)
            break;
        (void)sys::madvise(block.base() + (data.start - block.offset), data.end - data.start,
                           advice);
        at = data.end;
    }
}

} // namespace

Result<GuestRam> guest_ram(const inventory::Inventory& inventory) {
    std::vector<std::uint64_t> bytes;
    for (const auto& block : inventory.blocks())
        bytes.push_back(block.bytes);
    SEGUE_ASSIGN(const auto layout, lay_out(bytes));
    std::vector<HostRegion> regions;
    regions.reserve(layout.size());
    for (const RamRegion& r : layout)
        regions.push_back({r, inventory.blocks()[r.block].base() + r.offset});
    return GuestRam(std::move(regions));
}

Status map_slots(Vm& vm, const GuestRam& ram) {
    for (const HostRegion& r : ram.regions())
        SEGUE_TRY(sys::madvise(r.host, r.ram.bytes, MADV_DONTDUMP));
    return log_slots(vm, ram, false);
}

Status log_slots(Vm& vm, const GuestRam& ram, bool on) {
    std::uint32_t slot = 0;
    for (const HostRegion& r : ram.regions()) {
        MemorySlot s;
        s.slot = slot++;
        s.flags = on ? KVM_MEM_LOG_DIRTY_PAGES : 0;
        s.guest = r.ram.guest;
        s.bytes = r.ram.bytes;
        s.host = r.host;
        SEGUE_TRY(vm.set_memory(s));
    }
    return {};
}

bool lives_in_memory(int fd) {
    struct statfs fs = {};
    if (::fstatfs(fd, &fs) != 0)
        return false;
    return fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC || fs.f_type == RAMFS_MAGIC;
}

void populate(const inventory::Inventory& inventory) {
    for (const auto& block : inventory.blocks())
        populate(block);
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/inventory.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include <segue/cpp/sys.hpp>

#ifndef MADV_DONTNEED_LOCKED // Linux 5.18
#define MADV_DONTNEED_LOCKED 24
#endif

namespace segue::inventory {

// madvise(2) takes no MADV_REMOVE of locked memory: a hole in its file is the same.
Status RamBlock::drop(std::uint64_t first, std::uint64_t n) const {
    if ((map_flags & MAP_SHARED) == 0) {
        // The front of it may be of a file by now: page-flip.
        (void)::madvise(base() + first, n, MADV_REMOVE);
        return ::madvise(base() + first, n, MADV_DONTNEED_LOCKED) == 0
                   ? Status()
                   : sys::madvise(base() + first, n, MADV_DONTNEED);
    }
    const int done = sys::retry([&] {
        return ::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           static_cast<off_t>(offset + first), static_cast<off_t>(n));
    });
    return done == 0 ? Status() : Error::from_errno(errno, "giving back RAM block '" + id + "'");
}

Status Inventory::add(Item item) {
    if (item.name.empty() || item.name.size() > 63)
        return Error(Code::Invalid, "an inventory item needs a name of 1 to 63 bytes");
    if (!item.fd)
        return Error(Code::Invalid, "the inventory item '" + item.name + "' has no descriptor");
    if (find(item.name) >= 0)
        return Error(Code::Exists, "the inventory has an item '" + item.name + "' already");
    items_.push_back(std::move(item));
    return {};
}

int Inventory::find(std::string_view name) const {
    const auto i = std::find_if(items_.begin(), items_.end(),
                                [&](const Item& item) { return item.name == name; });
    return i == items_.end() ? -1 : i->fd.get();
}

UniqueFd Inventory::take(std::string_view name) {
    const auto i = std::find_if(items_.begin(), items_.end(),
                                [&](const Item& item) { return item.name == name; });
    if (i == items_.end())
        return {};
    UniqueFd fd = std::move(i->fd);
    items_.erase(i);
    return fd;
}

Status Inventory::add(RamBlock block) {
    for (const RamBlock& b : blocks_)
        if (b.id == block.id)
            return Error(Code::Exists, "the inventory has a RAM block '" + block.id + "' already");
    blocks_.push_back(std::move(block));
    return {};
}

} // namespace segue::inventory

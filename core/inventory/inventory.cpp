// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/inventory.hpp"

#include <algorithm>

namespace segue::inventory {

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

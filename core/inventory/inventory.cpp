// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/inventory.hpp"

#include <algorithm>

namespace segue::inventory {

Status Inventory::add(Item item) {
    if (find(item.name) >= 0)
        return Error(Code::Exists, "inventory: \"" + item.name + "\" is there already");
    items_.push_back(std::move(item));
    return {};
}

int Inventory::find(std::string_view name) const {
    for (const Item& i : items_)
        if (i.name == name)
            return i.fd.get();
    return -1;
}

UniqueFd Inventory::take(std::string_view name) {
    const auto it = std::find_if(items_.begin(), items_.end(),
                                 [&](const Item& i) { return i.name == name; });
    if (it == items_.end())
        return {};
    UniqueFd fd = std::move(it->fd);
    items_.erase(it);
    return fd;
}

Status Inventory::add(RamBlock block) {
    for (const RamBlock& b : blocks_)
        if (b.id == block.id)
            return Error(Code::Exists, "inventory: block \"" + block.id + "\" is there already");
    blocks_.push_back(std::move(block));
    return {};
}

} // namespace segue::inventory

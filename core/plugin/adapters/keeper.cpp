// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/adapters/keeper.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/utf8.hpp"

namespace segue::plugin {

namespace {

constexpr std::size_t max_items = 1024;
constexpr std::size_t max_name = 63;

bool name_is_sound(const char* name) {
    if (name == nullptr)
        return false;
    const std::size_t n = ::strnlen(name, max_name + 1);
    return n != 0 && n <= max_name && is_utf8({name, n});
}

} // namespace

Result<Keeper> Keeper::create(const LoadedPlugin& plugin, const PluginConfig& config,
                              const segue_host_process* process) {
    const Given given[] = {{SEGUE_PROCESS_ID, process}};
    SEGUE_ASSIGN(auto i, make_instance<segue_keeper>(
                             plugin, SEGUE_KEEPER_ID, config,
                             [&](auto& made, segue_error* e) {
                                 return made.table.create(config.abi(), made.host.abi(), &made.self,
                                                          e);
                             },
                             given));
    SEGUE_TRY(check_caps(plugin, i->table.survives));
    return Keeper(std::move(i));
}

Status Keeper::check(std::span<const segue_item> items) {
    return call(name(), "check", [&](segue_error* e) {
        return instance_->table.check(instance_->self, items.data(),
                                      static_cast<std::uint32_t>(items.size()), e);
    });
}

Status Keeper::hold(std::span<const segue_item> items) {
    return call(name(), "hold", [&](segue_error* e) {
        return instance_->table.hold(instance_->self, items.data(),
                                     static_cast<std::uint32_t>(items.size()), e);
    });
}

Result<std::vector<KeptFd>> Keeper::take() {
    std::vector<segue_item> raw(max_items);
    std::uint32_t n = 0;
    SEGUE_TRY(call(name(), "take", [&](segue_error* e) {
        return instance_->table.take(instance_->self, raw.data(), max_items, &n, e);
    }));
    if (n > max_items)
        return broken(name(), "take", "more descriptors than there is room for");
    std::vector<KeptFd> kept;
    Status all;
    for (std::uint32_t i = 0; i < n; ++i) { // all of them are taken, so that none leaks
        auto fd = take_fd(name(), "take", raw[i].fd);
        if (!fd) {
            all = std::move(fd).error();
        } else if (!name_is_sound(raw[i].name)) {
            all = broken(name(), "take", "a descriptor has no proper name");
        } else if (std::any_of(kept.begin(), kept.end(),
                               [&](const KeptFd& k) { return k.name == raw[i].name; })) {
            all = broken(name(), "take", std::string("two are called ") + raw[i].name);
        } else {
            kept.push_back({raw[i].name, std::move(*fd)});
        }
    }
    SEGUE_TRY(all);
    return kept;
}

void Keeper::drop() {
    instance_->table.drop(instance_->self);
}

} // namespace segue::plugin

// SPDX-License-Identifier: Apache-2.0
// host.hpp - the services that a plugin finds, by id.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segue/abi/entry.h>
#include <segue/cpp/result.hpp>

namespace segue::plugin {

// Filled before a plugin sees it, constant afterwards. Hosts stack: what this one has not, its
// parent may have. Plugins keep its address: it neither moves nor ends before them. [any]
class Host {
public:
    explicit Host(const Host* parent = nullptr);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    // `table` outlives this. A service that is there already is replaced.
    void add(std::string id, const void* table) { tables_[std::move(id)] = table; }
    // NULL where there is none.
    const void* find(std::string_view id) const;

    const segue_host* abi() const { return &abi_; }

private:
    static const void* service(void* h, const char* id);

    const Host* parent_;
    std::map<std::string, const void*, std::less<>> tables_;
    segue_host abi_;
};

// Unsupported, naming the service, unless `host` has each of `needs`, or `given` names it.
Status check_needs(const std::string& plugin, const std::vector<std::string>& needs,
                   const Host& host, std::span<const char* const> given = {});

} // namespace segue::plugin

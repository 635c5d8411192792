// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/known_updates.hpp"

#include <algorithm>

#include "core/base/log.hpp"
#include "core/control/json.hpp"
#include "core/report/history.hpp"
#include "core/state/inspect.hpp"
#include "core/update/fate.hpp"

namespace segue::vmm {

namespace {

// Hundreds of records; what is parsed for one request is bounded.
constexpr std::size_t kRecent = 512u << 10; // bytes

template <class List, class Matches>
std::optional<report::UpdateRecord> first(List list, Matches matches) {
    const auto at = std::find_if(list.begin(), list.end(), matches);
    return at == list.end() ? std::nullopt : std::optional(std::move(*at));
}

} // namespace

KnownUpdates::KnownUpdates(const update::Engine& engine, GuestPlaces places,
                           const state::Uuid& guest)
    : engine_(engine)
    , places_(std::move(places))
    , guest_(state::format_uuid(guest)) {}

std::vector<report::UpdateRecord> KnownUpdates::earlier(std::size_t max_bytes) const {
    auto history = report::read_history(places_.journal(), control::record_from_json, max_bytes);
    if (!history) {
        log::warn(history.error().what());
        return {};
    }
    const auto ours = engine_.records();
    std::vector<report::UpdateRecord> all;
    for (auto r = history->records.rbegin(); r != history->records.rend(); ++r) {
        const auto same = [&](const report::UpdateRecord& known) { return known.id == r->id; };
        if (r->guest != guest_ || std::any_of(ours.begin(), ours.end(), same))
            continue;
        if (!report::is_final(r->status))
            update::find_fate(*r, places_, true);
        all.push_back(std::move(*r));
    }
    return all;
}

std::vector<report::UpdateRecord> KnownUpdates::newest(std::size_t limit) const {
    auto all = engine_.records();
    if (all.size() < limit)
        for (auto& r : earlier(kRecent))
            all.push_back(std::move(r));
    if (all.size() > limit)
        all.resize(limit);
    return all;
}

Result<report::UpdateRecord> KnownUpdates::find(const std::string& id) const {
    auto ours = engine_.find(id);
    if (ours)
        return ours;
    auto before = first(earlier(report::kWholeHistory), [&](const auto& r) { return r.id == id; });
    if (before)
        return std::move(*before);
    return ours;
}

std::optional<report::UpdateRecord> KnownUpdates::by_key(const std::string& key) const {
    if (key.empty())
        return std::nullopt;
    const auto has_key = [&](const report::UpdateRecord& r) { return r.key == key; };
    if (auto ours = first(engine_.records(), has_key))
        return ours;
    return first(earlier(report::kWholeHistory), has_key);
}

} // namespace segue::vmm

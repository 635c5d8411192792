// SPDX-License-Identifier: Apache-2.0
// `segue history`: the journals, whether their guests run or not.
#include "core/report/history.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "core/base/json.hpp"
#include "core/base/list.hpp"
#include "core/base/units.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/control/json.hpp"
#include "core/report/text.hpp"
#include "core/update/fate.hpp"

namespace segue::cli {
namespace {

using report::UpdateRecord;

std::string when(std::int64_t time) {
    const std::time_t seconds = time;
    std::tm local = {};
    char text[32] = "-";
    if (time != 0 && ::localtime_r(&seconds, &local) != nullptr)
        std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

std::string duration(std::chrono::nanoseconds time) {
    return format_duration(std::chrono::duration_cast<std::chrono::microseconds>(time));
}

std::string row(const std::string& name, const std::string& id, const std::string& began,
                const std::string& mode, const std::string& result, const std::string& rest) {
    char line[256];
    std::snprintf(line, sizeof line, "%-16s %-7s %-19s %-14s %-10s %s\n", name.c_str(), id.c_str(),
                  began.c_str(), mode.c_str(), result.c_str(), rest.c_str());
    return line;
}

std::string phases_of(const UpdateRecord& record) {
    std::string text;
    for (const auto& phase : record.phases)
        add_to_list(text, name_of(phase.phase) + (phase.ended.count() != 0
                                                      ? " " + duration(phase.ended - phase.began)
                                                      : ""));
    return text;
}

void print(const std::string& name, const UpdateRecord& r) {
    const bool done = r.status == report::UpdateStatus::Completed;
    const char* result = done && r.rehearsal ? "rehearsed" : name_of(r.status);
    out(row(name, r.id, when(r.began_at), r.mode, result,
            r.from_version + " -> " + (done ? r.to_version : "?")));
    if (done)
        out("    blackout " + duration(r.blackout) + ", state " + format_size(r.state_bytes) +
            ", RAM copied " + format_size(r.ram_bytes_copied) + ", " +
            std::to_string(r.requests_in_flight) + " requests in flight\n");
    if (!r.phases.empty())
        out("    " + phases_of(r) + "\n");
    if (r.error)
        out("    " + report::one_line(*r.error) + "\n");
}

struct Entry {
    std::string name;
    UpdateRecord record;
};

// Adds the guest's updates; those that nobody ended as what became of them.
Status collect(const Places& places, const std::string& name, std::vector<Entry>& entries) {
    SEGUE_ASSIGN(const auto folder, places.guest(name));
    const bool lives = is_locked(folder);
    SEGUE_ASSIGN(auto history, report::read_history(folder.journal(), control::record_from_json));
    if (history.damaged != 0)
        std::fprintf(stderr, "segue: %zu damaged lines in %s were passed over\n", history.damaged,
                     folder.journal().c_str());
    for (auto& record : history.records) {
        if (!report::is_final(record.status))
            update::find_fate(record, folder, lives);
        entries.push_back({name, std::move(record)});
    }
    return {};
}

Status show(const Places& places, const HistoryOptions& options) {
    std::vector<Entry> all;
    const auto names =
        options.guest.empty() ? places.recorded() : std::vector<std::string>{options.guest};
    for (const auto& name : names)
        SEGUE_TRY(collect(places, name, all));
    if (all.empty() && !options.guest.empty())
        return Error(Code::NotFound, "no update of a guest '" + options.guest +
                                         "' is recorded in " + places.state_dir)
            .way_out("`segue history` lists all; other folders are named with --state-dir");
    std::stable_sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) {
        return a.record.began_at < b.record.began_at;
    });
    if (options.limit != 0 && all.size() > options.limit)
        all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(options.limit));
    if (!options.json && !all.empty())
        out(row("GUEST", "UPDATE", "BEGAN", "MODE", "RESULT", "VERSION"));
    for (const auto& [name, record] : all) {
        if (options.json)
            out("{\"name\":" + json_quote(name) + "," + control::to_json(record).substr(1) + "\n");
        else
            print(name, record);
    }
    return {};
}

} // namespace

ExitCode history(const Places& places, const HistoryOptions& options) {
    return finish(show(places, options));
}

} // namespace segue::cli

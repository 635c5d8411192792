// SPDX-License-Identifier: Apache-2.0
// `segue update`: asks for it, and watches. The VMM performs the update: ending this ends nothing.
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "core/base/deadline.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/control/json.hpp"
#include "core/report/terminal.hpp"

namespace segue::cli {
namespace {

using report::UpdateRecord;

constexpr auto kPoll = std::chrono::milliseconds(20);
// Between two generations nobody may answer for a moment; beyond this the VMM is lost.
constexpr auto kGrace = std::chrono::seconds(10);

// Shows what is new in a record, to people or to programs.
class Watcher {
public:
    explicit Watcher(bool json)
        : json_(json)
        , terminal_([](std::string_view text) { out(text); }, ::isatty(STDOUT_FILENO) == 1) {}

    void show(const UpdateRecord& record) {
        if (!json_)
            return terminal_.show(record);
        auto text = control::to_json(record);
        if (text != last_)
            out(text + "\n");
        last_ = std::move(text);
    }

private:
    bool json_;
    std::string last_;
    report::Terminal terminal_;
};

ExitCode lost(const UpdateRecord& record, const Error& error) {
    fail(Error(error.code(), "update " + record.id + ": " + error.what())
             .way_out("its outcome is not known here: look at the guest's journal, its log, and "
                      "`segue list`"));
    return ExitCode::Unknown;
}

ExitCode watch(const control::Client& client, UpdateRecord record, bool json) {
    Watcher watcher(json);
    watcher.show(record);
    auto patience = Deadline::in(kGrace);
    while (!report::is_final(record.status)) {
        std::this_thread::sleep_for(kPoll);
        auto next = client.update(record.id);
        if (!next && patience.passed())
            return lost(record, next.error());
        if (!next)
            continue;
        patience = Deadline::in(kGrace);
        record = std::move(*next);
        watcher.show(record);
    }
    return exit_code_of(record);
}

// The VMM has another working directory.
std::string absolute(const std::string& path) {
    return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

} // namespace

ExitCode update(const Places& places, const UpdateOptions& options) {
    const auto client = client_of(places, options.guest);
    if (!client)
        return fail(client.error());
    auto record =
        client->start_update({options.mode, absolute(options.binary), absolute(options.config)});
    if (!record)
        return fail(record.error());
    if (!options.no_wait)
        return watch(*client, std::move(*record), options.json);
    out((options.json ? control::to_json(*record) : record->id) + "\n");
    return ExitCode::Ok;
}

} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
// `segue inspect`: a state file as text, or what differs between two.
#include "core/state/inspect.hpp"

#include "core/cli/ask_binary.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/cli/state_file.hpp"

namespace segue::cli {
namespace {

std::string as_text(const std::vector<NamedContainer>& all) {
    std::string text;
    for (const NamedContainer& c : all)
        text += (c.name.empty() ? "" : (text.empty() ? "" : "\n") + ("== " + c.name + "\n")) +
                state::inspect_text(c.reader);
    return text;
}

std::string as_json(const std::vector<NamedContainer>& all) {
    if (all.size() == 1)
        return state::inspect_json(all.front().reader) + "\n";
    std::string text;
    for (const NamedContainer& c : all)
        text += (text.empty() ? "{\"" : ",\"") + c.name + "\":" + state::inspect_json(c.reader);
    return text + "}\n";
}

Result<std::string> difference(const std::string& a, const std::string& b) {
    SEGUE_ASSIGN(const auto ours, read_state_file(a));
    SEGUE_ASSIGN(const auto theirs, read_state_file(b));
    if (ours.size() != theirs.size())
        return Error(Code::Invalid, "one of " + a + " and " + b +
                                        " is a channel that rests, and the other a container")
            .way_out("compare two of a kind");
    std::string text;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const std::string lines = state::inspect_diff(ours[i].reader, theirs[i].reader);
        if (!lines.empty() && !ours[i].name.empty())
            text += "== " + ours[i].name + "\n";
        text += lines;
    }
    return text;
}

Status could_restore(const Places& places, const InspectOptions& options,
                     const std::vector<NamedContainer>& all) {
    if (all.front().name != "manifest")
        return Error(Code::Invalid, options.file + " is a container by itself: it has no manifest, "
                                                   "so that no VMM can be asked about it")
            .way_out("name a state that a channel of transport \"file\" left");
    SEGUE_ASSIGN(const std::string version,
                 ask_binary(places, options.binary, options.config, all.front()));
    out("yes: " + options.binary + ", version " + version + ", could restore it here\n");
    return {};
}

} // namespace

ExitCode inspect(const Places& places, const InspectOptions& options) {
    if (!options.other.empty()) {
        const auto text = difference(options.file, options.other);
        if (!text)
            return fail(text.error());
        out(*text);
        return text->empty() ? ExitCode::Ok : ExitCode::Failed;
    }
    const auto all = read_state_file(options.file);
    if (!all)
        return fail(all.error());
    if (!options.binary.empty())
        return finish(could_restore(places, options, *all));
    out(options.json ? as_json(*all) : as_text(*all));
    return ExitCode::Ok;
}

} // namespace segue::cli

// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/fit.hpp"

#include <segue/abi/mode.h>
#include <segue/abi/transport.h>

#include "core/config/print.hpp"

namespace segue::plugin {

namespace {

const Choice* transport_of(const std::vector<Choice>& choices, const std::string& channel) {
    for (const Choice& c : choices)
        if (c.is(SEGUE_TRANSPORT_ID) && c.use == channel)
            return &c;
    return nullptr;
}

// Where the state goes: over "main" to a process that runs, else to where it rests.
struct Way {
    const char* cap;
    const Choice* transport;
};

Way way_of(const Manifest& mode, const std::vector<Choice>& choices) {
    const Choice* main = transport_of(choices, "main");
    if (mode.has_cap("successor-peer"))
        return {"streaming", main};
    const Choice* rest = transport_of(choices, "at-rest");
    return {"persistent", rest != nullptr ? rest : main};
}

Error without_channel(const config::Settings& settings, const std::string& mode) {
    const config::Setting* names = settings.find("update.mode");
    if (names == nullptr || settings.text("update.mode") != mode)
        names = settings.find("update.allow");
    const std::string text = config::print(names->value, names->rule.type);
    return Error(Code::Invalid, settings.origin(*names) + ": " + names->path + " is " + text +
                                    ", which needs a channel 'main'")
        .way_out("add update.channels.main = { transport = \"...\" }: segue plugins lists them")
        .with("key", names->path)
        .with("channel", "main");
}

Error cannot_carry(const config::Settings& settings, const Way& way, const std::string& mode) {
    const std::string key = "update.channels." + way.transport->use + ".transport";
    return settings
        .wrong(*settings.find(key),
               std::string("one with '") + way.cap + "': mode " + mode + " needs it")
        .way_out(std::string("name a transport that has it, or allow another mode: segue plugins") +
                 " says what each can")
        .with("channel", way.transport->use)
        .with("plugin", way.transport->manifest->name());
}

} // namespace

Status modes_fit_channels(const config::GuestConfig& config, const std::vector<Choice>& choices) {
    for (const Choice& mode : choices) {
        if (!mode.is(SEGUE_MODE_ID))
            continue;
        const Way way = way_of(*mode.manifest, choices);
        if (way.transport == nullptr)
            return without_channel(config.settings, mode.use);
        if (!way.transport->manifest->has_cap(way.cap))
            return cannot_carry(config.settings, way, mode.use);
    }
    return {};
}

} // namespace segue::plugin

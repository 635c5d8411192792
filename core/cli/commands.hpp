// SPDX-License-Identifier: Apache-2.0
// commands.hpp - one function a command; main.cpp makes its options from the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/places.hpp"
#include "core/cli/exit_code.hpp"

namespace segue::cli {

struct RunOptions {
    std::string config;
    std::vector<std::string> set;
    bool foreground = false;
    std::string incoming;                   // where it waits for the guest: "tcp:192.0.2.2:4444"
    bool restore = false;                   // from the state that was saved
    std::vector<std::string> changed_disks; // ids of those that may be others than in that state
};
struct StartOptions {
    std::string guest;
    std::string config; // in place of the one that it had
    bool foreground = false;
    std::vector<std::string> changed_disks; // that may be others than when it was saved
};
struct UpdateOptions {
    std::string guest, mode, binary, config;
    bool no_wait = false, json = false;
    bool dry_run = false;         // only say whether it could be done
    bool rehearse = false;        // all but the change of hands
    std::uint32_t generation = 0; // that the guest must be in; 0: any
    bool suspend = false;         // the guest sleeps meanwhile
    unsigned suspend_timeout_s = 30;
    std::string channel = {}; // where a VMM on another host waits
};
struct AgentOptions {
    std::string guest, command;
    std::string arguments; // a JSON object; may be empty
    unsigned timeout_s = 10;
};
struct HistoryOptions {
    std::string guest;     // empty: all
    std::size_t limit = 0; // the newest; 0: all
    bool json = false;
};
struct PluginsOptions {
    std::vector<std::string> dirs; // before those of the configuration
    std::string config;            // whose folders are searched, too; may be empty
};
struct NewPluginOptions {
    std::string kind, name;
    std::string dir; // in which the plugin's own folder is made; empty: here
};
struct CheckOptions {
    std::string config;
    std::vector<std::string> set;
    bool effective = false;
};

struct InspectOptions {
    std::string file;
    std::string other;  // to compare with; empty: print
    std::string binary; // to ask whether it could restore it; empty: print
    std::string config; // for that one; empty: the saved guest's
    bool json = false;
};
struct DoctorOptions {
    std::string config; // empty: only the host
    std::vector<std::string> set;
};

// Each prints its own errors.
ExitCode run(const Places& places, const RunOptions& options);
ExitCode start(const Places& places, const StartOptions& options);
ExitCode save(const Places& places, const std::string& guest, const std::string& mode);
ExitCode status(const Places& places, const std::string& guest, bool json);
ExitCode list(const Places& places, bool json);
ExitCode update(const Places& places, const UpdateOptions& options);
// `id` empty: the update that runs, or the last.
ExitCode watch(const Places& places, const std::string& guest, const std::string& id, bool json);
ExitCode history(const Places& places, const HistoryOptions& options);
ExitCode cancel(const Places& places, const std::string& guest);
// Of the update that is running: the guest first, then the rest of its RAM.
ExitCode postcopy(const Places& places, const std::string& guest);
// Of a fetch whose connection is lost: on both hosts, where the new VMM waits.
ExitCode recover(const Places& places, const std::string& guest, const std::string& channel);
// Of a switch-over between two hosts: `here`, or on the other one.
ExitCode resolve(const Places& places, const std::string& guest, bool here);
ExitCode pause(const Places& places, const std::string& guest);
ExitCode resume(const Places& places, const std::string& guest);
ExitCode wakeup(const Places& places, const std::string& guest);
// `force`: at once, instead of by the power button.
ExitCode shutdown(const Places& places, const std::string& guest, bool force);
// `size` empty: says how large it is.
ExitCode balloon(const Places& places, const std::string& guest, const std::string& size);
ExitCode agent(const Places& places, const AgentOptions& options);
ExitCode kill(const Places& places, const std::string& guest);
ExitCode plugins(const PluginsOptions& options);
ExitCode describe_plugin(const PluginsOptions& options, const std::string& name);
ExitCode new_plugin(const NewPluginOptions& options);
ExitCode check(const CheckOptions& options);
// Becomes the VMM, which looks and prints.
ExitCode doctor(const Places& places, const DoctorOptions& options);
ExitCode inspect(const Places& places, const InspectOptions& options);

} // namespace segue::cli

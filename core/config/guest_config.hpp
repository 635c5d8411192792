// SPDX-License-Identifier: Apache-2.0
// guest_config.hpp - one guest's configuration file, checked, as plain structs.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config/schema.hpp"
#include "core/config/settings.hpp"

namespace segue::config {

enum class NumaPolicy : std::uint8_t { Bind, Preferred, Interleave };

struct NumaConfig {
    std::vector<unsigned> nodes; // ascending; empty: wherever the host puts it
    NumaPolicy policy = NumaPolicy::Bind;
};

// The options of a plugin stay a table until its manifest is known: give the path named here to
// apply_options().
struct MemoryConfig {
    std::string id;
    std::uint64_t size = 0; // bytes
    std::string backend;    // id of a memory plugin
    std::string options;    // "memory[0].options"
    NumaConfig numa;
    bool prealloc = false; // all of it, before the guest first runs
    bool lock = false;     // what is in memory stays there
};

// The options stay a table until the VMM's models are known: check_devices() fills `values`.
struct DeviceConfig {
    std::string id;
    std::string model;
    std::string options;                       // "device[0].options"
    std::map<std::string, std::string> values; // "true" or "false" of a boolean
};

enum class ConsoleKind : std::uint8_t { None, Stdio, File, Pty };

struct ConsoleConfig {
    ConsoleKind kind = ConsoleKind::None;
    std::string path; // of a file
};

struct Deadlines {
    std::chrono::microseconds prepare{}, copy{}, pause{}, drain{}, handover{};
};

struct ChannelConfig {
    std::string name;
    std::string transport; // id of a plugin
    std::string options;   // "update.channels.main.options"
};

struct UpdateConfig {
    std::string mode;               // "": only what a request names
    std::vector<std::string> allow; // ids of modes, with `mode` among them
    std::string binary;             // "": the one that runs
    std::string keeper;             // "": none
    std::string keeper_options = "update.keeper_options";
    std::optional<std::chrono::microseconds> blackout_budget;
    std::uint32_t dirty_ring_size = 0; // entries, for each vCPU; 0: none
    Deadlines deadline;
    std::vector<ChannelConfig> channels;

    // Of one mode: "update.options.MODE".
    static std::string mode_options(std::string_view mode) {
        return "update.options." + std::string(mode);
    }
};

struct ControlConfig {
    std::uint32_t mode = 0; // of the socket
    std::string group;      // "": the process's
};

// Plain data; goes with `settings`, which holds every key and its origin.
struct GuestConfig {
    std::string name;
    std::uint32_t vcpus = 0;
    std::string cpu;     // "host", or a baseline that the VMM knows
    bool nested = false; // the guest may have guests
    std::string kernel;
    std::string initrd; // "": none
    std::string cmdline;
    std::vector<MemoryConfig> memory;  // in the order of their guest-physical addresses
    std::vector<DeviceConfig> devices; // in the order of their slots
    ConsoleConfig console;
    std::vector<std::string> plugin_dirs;
    UpdateConfig update;
    ControlConfig control;
    Settings settings;
};

// The schema, for help texts and the manual.
std::span<const Key> guest_keys();

Result<GuestConfig> check_guest_config(Document document);

// Reads the file, which nobody but its owner and root may be able to write, sets the overrides
// ("guest.vcpus=4") and checks the whole.
Result<GuestConfig> load_guest_config(const std::filesystem::path& path,
                                      const std::vector<std::string>& overrides);

} // namespace segue::config

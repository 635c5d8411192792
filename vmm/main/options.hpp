// SPDX-License-Identifier: Apache-2.0
// options.hpp - the command line of segue-vmm.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/base/log.hpp"

namespace segue::vmm {

struct Options {
    std::string config;                 // absolute path
    std::vector<std::string> overrides; // --set key=value
    std::string run_dir, state_dir;     // empty: the defaults of core/base/places
    log::Level log_level = log::Level::Info;
    bool doctor = false; // only look and print
    bool incoming = false;
    std::string incoming_path; // --incoming=PATH; empty: standby.sock in the run directory
    int stream_fd = -1;        // --incoming=fd:N: the engine stream, connected
    // --incoming=TRANSPORT:ADDRESS: where a VMM on another host connects
    std::string incoming_address;
    // --restore: from the state on channel "main"; with a stream_fd once the owner has gone
    bool restore = false;
    std::vector<std::string> changed_disks; // --accept-changed-disk ID, with --restore
    bool from_exec = false;                 // --from-exec: one of the next two is there
    int probe_fd = -1;                      // update::kProbeVariable
    int handoff_fd = -1;                    // update::kHandoffVariable
};

// The parsed command line, and what the environment says, which is unset at once; nothing after
// --help or --version, which print; INVALID with the way out.
Result<std::optional<Options>> parse_options(int argc, char** argv);

} // namespace segue::vmm

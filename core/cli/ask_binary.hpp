// SPDX-License-Identifier: Apache-2.0
// ask_binary.hpp - whether a VMM could restore a state at rest, by its own word.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>

#include "core/base/places.hpp"
#include "core/cli/state_file.hpp"

namespace segue::cli {

// Runs `binary` as a child that gets the manifest and checks all that it would check before an
// update: configuration, plugins, RAM layout, CPU, devices. Nothing is restored. Gives its version;
// REFUSED with its words. `config` empty: the one that the guest was saved with.
Result<std::string> ask_binary(const Places& places, const std::string& binary,
                               const std::string& config, const NamedContainer& manifest);

} // namespace segue::cli

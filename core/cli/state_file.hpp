// SPDX-License-Identifier: Apache-2.0
// state_file.hpp - a state container in a file: by itself, or in the frames of a channel that
// rests.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"

namespace segue::cli {

struct NamedContainer {
    std::string name; // "" of a container by itself; "manifest", "state"
    std::vector<std::byte> bytes;
    state::Reader reader; // of them
};

// Every container is checked whole. INVALID and CORRUPT name the file.
Result<std::vector<NamedContainer>> read_state_file(const std::string& path);

} // namespace segue::cli

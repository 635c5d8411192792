// SPDX-License-Identifier: Apache-2.0
// start_file.hpp - how a guest's VMM was started, kept where a reboot of the host leaves it: for
// `segue start`.
#pragma once

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/base/places.hpp"

namespace segue {

// The configuration that the guest has now.
struct StartFile {
    std::string config;                 // absolute path
    std::vector<std::string> overrides; // "key=value"
};

// Whole or not at all.
Status write(const StartFile& file, const GuestPlaces& places);
// NOT_FOUND where no guest of that name was started, or it has ended.
Result<StartFile> read_start_file(const GuestPlaces& places);

} // namespace segue

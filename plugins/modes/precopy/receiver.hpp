// SPDX-License-Identifier: Apache-2.0
// receiver.hpp - puts what the other side sends where it belongs.
#pragma once

#include <vector>

#include <segue/cpp/update.hpp>

#include "team.hpp"

namespace precopy {

// Until each channel says "no more": once in the copy, once in the pause. [update]
segue::Status receive(const Team& team, const std::vector<segue::UpdateChannel>& data);

} // namespace precopy

// SPDX-License-Identifier: Apache-2.0
// receiver.hpp - the channels that RAM crosses on, and what puts it where it belongs.
#pragma once

#include <vector>

#include <segue/cpp/update.hpp>

#include "plugins/modes/common/team.hpp"

namespace segue::modes {

// Channel "data", `count` connections of it. [update]
Result<std::vector<UpdateChannel>> open_data(const Update& update, unsigned count);

// Until each channel says "no more": once in the copy, once in the pause. [update]
Status receive(const Team& team, const std::vector<UpdateChannel>& data);

} // namespace segue::modes

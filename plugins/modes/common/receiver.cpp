// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/receiver.hpp"

namespace segue::modes {

Result<std::vector<UpdateChannel>> open_data(const Update& update, unsigned count) {
    std::vector<UpdateChannel> data;
    data.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
        SEGUE_ASSIGN(const UpdateChannel one, update.channel("data", i));
        data.push_back(one);
    }
    return data;
}

Status receive(const Team& team, const std::vector<UpdateChannel>& data) {
    return team.run([data](unsigned i) { return data[i].get_all_pages(); });
}

} // namespace segue::modes

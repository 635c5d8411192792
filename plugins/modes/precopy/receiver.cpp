// SPDX-License-Identifier: Apache-2.0
#include "receiver.hpp"

namespace precopy {

using namespace segue;

Status receive(const Team& team, const std::vector<UpdateChannel>& data) {
    return team.run([data](unsigned i) { return data[i].get_all_pages(); });
}

} // namespace precopy

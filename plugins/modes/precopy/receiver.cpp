// SPDX-License-Identifier: Apache-2.0
#include "receiver.hpp"

namespace precopy {

using namespace segue;

Status receive(const Team& team, const std::vector<UpdateChannel>& data) {
    return team.run([data](unsigned i) -> Status {
        for (;;) {
            SEGUE_ASSIGN(const segue_pages pages, data[i].get_pages());
            if (pages.n == 0)
                return {};
        }
    });
}

} // namespace precopy

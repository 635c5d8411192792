// SPDX-License-Identifier: Apache-2.0
#include "core/base/version.hpp"

namespace segue {

const char* version() {
    return SEGUE_VERSION;
}

} // namespace segue

// SPDX-License-Identifier: Apache-2.0
// version.hpp - which build this is.
#pragma once

namespace segue {

// "0.1.0", or what the packager set. [any]
const char* version();

} // namespace segue

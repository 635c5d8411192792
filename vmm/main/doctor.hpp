// SPDX-License-Identifier: Apache-2.0
// doctor.hpp - `segue doctor`: what this program finds on this host, printed.
#pragma once

#include "vmm/main/options.hpp"

namespace segue::vmm {

// The host; and where a configuration is named the guest, mode by mode. 0: nothing that is needed
// is missing; 3: something is.
Result<int> doctor(const Options& options);

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// other_boot.hpp - a boot of this host that is not the one it is in.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>

namespace segue::fault {

// The calling thread, and what it starts, reads another boot id, which lies in `folder`. It needs a
// mount namespace of its own (and CLONE_FS) for that. Root.
Status enter_another_boot(const std::string& folder);

} // namespace segue::fault

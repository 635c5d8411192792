// SPDX-License-Identifier: Apache-2.0
// trusted.hpp - whether what a transport reads or writes can be changed by others.
#pragma once

#include <sys/stat.h>

#include <string>

#include <segue/cpp/result.hpp>

namespace segue {

// Refused unless only root and this user can change it. `what` is the path.
Status check_trusted(const struct stat& s, const std::string& what);

} // namespace segue

// SPDX-License-Identifier: Apache-2.0
// trusted.hpp - whether a file may be run or loaded: nobody but its owner and root can change it.
#pragma once

#include <filesystem>

#include <segue/cpp/result.hpp>

namespace segue {

// Gives the real path. Refused where the file, or the folder that it really lies in, belongs to
// someone other than root and the user of this process, or can be written by others. [any]
Result<std::filesystem::path> trusted_file(const std::filesystem::path& path);

} // namespace segue

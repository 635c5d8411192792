// SPDX-License-Identifier: Apache-2.0
// library.hpp - opens a shared object for good.
#pragma once

#include <filesystem>

#include <segue/abi/entry.h>
#include <segue/cpp/result.hpp>

namespace segue::plugin {

// The exported entry of the plugin at `path`. The library is never closed: its tables and threads'
// code must outlive every use. Refused where others could have written the file. [main]
Result<const segue_plugin*> open_library(const std::filesystem::path& path);

} // namespace segue::plugin

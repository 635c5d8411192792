// SPDX-License-Identifier: Apache-2.0
// elf.hpp - what a shared object exports, read from its file: nothing is loaded.
#pragma once

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::testkit {

// The names of the dynamic symbols that the file defines, sorted.
Result<std::vector<std::string>> exported_symbols(const std::string& file);

} // namespace segue::testkit

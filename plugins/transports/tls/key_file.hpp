// SPDX-License-Identifier: Apache-2.0
// key_file.hpp - files of keys and certificates, read if nobody else could have written them.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>

namespace tls {

enum class Secrecy { Public, Secret };

// The whole file, 1 MiB at most. Refused where it, or the folder that it really lies in, belongs to
// someone other than root and the user of this process or can be written by others; a Secret one
// also where others can read it. [any]
segue::Result<std::string> read_key_file(const std::string& path, Secrecy secrecy);

} // namespace tls

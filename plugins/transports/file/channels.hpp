// SPDX-License-Identifier: Apache-2.0
// channels.hpp - the two ends of transport "file".
#pragma once

#include <segue/cpp/transport.hpp>

namespace segue::file_transport {

// Whether a file of at least `reserve` bytes could be written; creates nothing.
Status check_place(const std::string& path, std::uint64_t reserve);

// Writes; the file has its name once finish() has sealed it.
Result<std::unique_ptr<Channel>> open_writer(const std::string& path, std::uint64_t reserve);

// Reads what was sealed.
Result<std::unique_ptr<Channel>> open_reader(const std::string& path);

} // namespace segue::file_transport

// SPDX-License-Identifier: Apache-2.0
// inherited.hpp - a connected unix stream socket that this process was started with.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::fd_transport {

// Descriptors of this process's own are closed on execve, so that a wrong number never takes one of
// them: INVALID names what the number is.
Status check_inherited(std::uint64_t number, const std::string& option);

// Uses it up: the number is free afterwards, the copy never blocks and is closed on execve.
Result<UniqueFd> take_inherited(std::uint64_t number, const std::string& option);

} // namespace segue::fd_transport

// SPDX-License-Identifier: Apache-2.0
// greeting.hpp - the line by which a process of the host's says to which port of the guest it
// wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

inline constexpr std::size_t kGreetingBytes = 32; // more than the longest has

// Reads on "CONNECT PORT\n" from a socket, to `line`, and nothing behind it; the port once the line
// is complete. CLOSED: it is no such line, and never will be.
Result<std::optional<std::uint32_t>> read_greeting(int socket, std::vector<std::byte>& line);

} // namespace segue::vmm

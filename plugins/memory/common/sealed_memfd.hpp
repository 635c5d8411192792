// SPDX-License-Identifier: Apache-2.0
// sealed_memfd.hpp - anonymous memory with a descriptor, of a size that nobody can change: a peer
// that could shrink it could kill this process with SIGBUS.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::sealed_memfd {

// `flags`: of memfd_create(2), besides sealing. The name that others see is "segue:NAME".
Result<UniqueFd> make(const std::string& name, std::uint64_t bytes, unsigned flags = 0);
// Whether `fd` is such a one with `bytes` at `offset`; REFUSED.
Status verify(const std::string& name, int fd, std::uint64_t offset, std::uint64_t bytes);

} // namespace segue::sealed_memfd

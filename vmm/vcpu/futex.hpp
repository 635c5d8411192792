// SPDX-License-Identifier: Apache-2.0
// futex.hpp - waits for a word of this process to change, with a deadline (futex(2)).
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/deadline.hpp"

namespace segue::vmm {

using FutexWord = std::atomic<std::uint32_t>;

// Returns once the word may differ from `seen`; false where the deadline passed. [any]
bool futex_wait(FutexWord& word, std::uint32_t seen, Deadline deadline) noexcept;
void futex_wake_all(FutexWord& word) noexcept;

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// populate.hpp - the page tables of RAM that was filled after it had been mapped.
#pragma once

#include <cstddef>
#include <span>

#include <segue/cpp/update.hpp>

namespace page_flip {

// Makes them for what exists in the files of those blocks whose byte of `which` is not 0, so that
// the guest's first touch costs nothing on the new side. Holes stay holes. [update]
segue::Status populate(const segue::Host& host, std::span<const std::byte> which);

} // namespace page_flip

// SPDX-License-Identifier: Apache-2.0
// undertaker.hpp - lets this process end before its memory and its VM do.
//
// The kernel unmaps guest RAM page by page and ends a KVM VM after several grace periods: 20 ms and
// more in which a holder would wait for our end, the guest standing still.
#pragma once

namespace segue::vmm {

// Starts a child that shares our memory and keeps `kept` open (-1: nothing), of all our descriptors
// only that, until this process has ended; then it ends, and the kernel takes both apart. What we
// close until then is closed. Where it cannot be started, our own end takes longer. [main, once]
void leave_to_undertaker(int kept) noexcept;

} // namespace segue::vmm

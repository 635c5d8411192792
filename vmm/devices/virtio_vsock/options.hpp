// SPDX-License-Identifier: Apache-2.0
// options.hpp - the keys of model "virtio-vsock".
#pragma once

#include "core/config/schema.hpp"

namespace segue::vmm {

inline constexpr config::Key kVirtioVsockOptions[] = {
    {"cid",
     {config::Type::Uint, 3, 0xfffffffe},
     true,
     nullptr,
     "the guest's context identifier; the host's is 2"},
    {"path",
     {config::Type::Path},
     true,
     nullptr,
     "socket through which the host reaches the guest's ports"},
};

} // namespace segue::vmm

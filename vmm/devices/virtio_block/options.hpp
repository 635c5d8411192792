// SPDX-License-Identifier: Apache-2.0
// options.hpp - the keys of model "virtio-blk".
#pragma once

#include "core/config/schema.hpp"

namespace segue::vmm {

inline constexpr config::Key kVirtioBlockOptions[] = {
    {"path", {config::Type::Path}, true, nullptr, "file or block device that holds the disk"},
    {"read_only", {config::Type::Bool}, false, "false", "the guest may not write to it"},
    {"shared",
     {config::Type::Bool},
     false,
     "false",
     "every host that the guest may go to has the same disk by that path"},
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// options.hpp - the keys of model "virtio-blk".
#pragma once

#include "core/config/schema.hpp"

namespace segue::vmm {

inline constexpr config::Key kVirtioBlockOptions[] = {
    {"path", {config::Type::Path}, true, nullptr, "file or block device that holds the disk"},
    {"read_only", {config::Type::Bool}, false, "false", "the guest may not write to it"},
};

} // namespace segue::vmm

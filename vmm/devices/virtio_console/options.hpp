// SPDX-License-Identifier: Apache-2.0
// options.hpp - the keys of model "virtio-console".
#pragma once

#include "core/config/schema.hpp"

namespace segue::vmm {

inline constexpr config::Key kVirtioConsoleOptions[] = {
    {"port",
     {config::Type::String},
     false,
     "",
     "name of the port to the guest; without one it is a console, hvc0"},
};

} // namespace segue::vmm

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
    {"socket",
     {config::Type::Path},
     false,
     nullptr,
     "unix socket that is its other end, for one client at a time; without it that is a pty"},
};

} // namespace segue::vmm

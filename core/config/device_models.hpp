// SPDX-License-Identifier: Apache-2.0
// device_models.hpp - what devices a VMM has, and the check of a configuration by it.
#pragma once

#include <span>

#include "core/config/guest_config.hpp"

namespace segue::config {

struct DeviceModel {
    const char* name;
    const char* doc;              // one line
    std::span<const Key> options; // paths without the device's own: "read_only"
};

struct DeviceModels {
    std::span<const DeviceModel> models;
    std::size_t most;                  // devices of one guest
    std::span<const Key> of_each = {}; // options that every model has
};

// Every device's model and options; those join config.settings and the devices' values, with the
// defaults. Errors are those of the configuration's own keys.
Status check_devices(GuestConfig& config, const DeviceModels& known);

} // namespace segue::config

// SPDX-License-Identifier: Apache-2.0
// device_config.hpp - a device of the configuration, and the slot that it has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/config/guest_config.hpp"
#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

// Plain data; travels in the manifest, so that a guest keeps its hardware whatever a newer VMM
// would make of the file.
struct DeviceConfig {
    std::string id;
    std::string model;
    unsigned slot = 0;
    std::map<std::string, std::string> values;
    std::string guest = {}; // whose it is; known at its first boot only

    std::string text(const std::string& key) const {
        const auto at = values.find(key);
        return at != values.end() ? at->second : "";
    }
    // 0 where it is none.
    unsigned number(const std::string& key) const;
    bool flag(const std::string& key) const { return text(key) == "true"; }
    // Every model's; a guest that an older VMM has made was given packed rings.
    bool packed() const { return text("packed") != "false"; }
};

// From slot 1 on, in the order of the file.
std::vector<DeviceConfig> plug_in(const std::vector<config::DeviceConfig>& devices,
                                  const std::string& guest = {});

// Sections "device" of the manifest, one each.
void write(const std::vector<DeviceConfig>& devices, state::Writer& manifest);
// In the order of their slots.
Result<std::vector<DeviceConfig>> read_devices(const state::Reader& manifest);

} // namespace segue::vmm

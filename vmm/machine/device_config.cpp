// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/device_config.hpp"

#include <algorithm>
#include <charconv>

namespace segue::vmm {

namespace {

constexpr std::string_view kOption = "option."; // and the option's key

Result<DeviceConfig> read_device(const state::Section& section) {
    DeviceConfig d;
    d.id = section.instance();
    SEGUE_ASSIGN(d.model, section.text("model"));
    SEGUE_ASSIGN(const std::uint64_t slot, section.number("slot"));
    if (slot < 1 || slot > 31)
        return Error(Code::Corrupt, "device '" + d.id + "': PCI slot " + std::to_string(slot));
    d.slot = static_cast<unsigned>(slot);
    for (const state::Field& f : section.fields())
        if (f.key.substr(0, kOption.size()) == kOption) {
            SEGUE_ASSIGN(d.values[std::string(f.key.substr(kOption.size()))], section.text(f.key));
        }
    return d;
}

} // namespace

unsigned DeviceConfig::number(const std::string& key) const {
    const std::string digits = text(key);
    unsigned n = 0;
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}

std::vector<DeviceConfig> plug_in(const std::vector<config::DeviceConfig>& devices,
                                  const std::string& guest) {
    std::vector<DeviceConfig> plugged;
    plugged.reserve(devices.size());
    for (const config::DeviceConfig& d : devices)
        plugged.push_back(
            {d.id, d.model, static_cast<unsigned>(plugged.size()) + 1, d.values, guest});
    return plugged;
}

void write(const std::vector<DeviceConfig>& devices, state::Writer& manifest) {
    for (const DeviceConfig& d : devices) {
        manifest.begin("device", d.id, 1);
        manifest.put_text("model", d.model);
        manifest.put("slot", d.slot);
        for (const auto& [key, value] : d.values)
            manifest.put_text(std::string(kOption) + key, value);
        manifest.end();
    }
}

Result<std::vector<DeviceConfig>> read_devices(const state::Reader& manifest) {
    std::vector<DeviceConfig> devices;
    for (const state::Section* section : manifest.take_all("device")) {
        SEGUE_ASSIGN(DeviceConfig d, read_device(*section));
        devices.push_back(std::move(d));
    }
    std::sort(devices.begin(), devices.end(),
              [](const DeviceConfig& a, const DeviceConfig& b) { return a.slot < b.slot; });
    return devices;
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "core/config/device_models.hpp"

#include <algorithm>

#include "core/base/list.hpp"
#include "core/base/nearest.hpp"
#include "core/config/key.hpp"
#include "core/config/options.hpp"

namespace segue::config {

namespace {

constexpr std::size_t kLongestId = 31; // names a section of the saved state

Error unknown_model(const Settings& s, const Setting& setting, const DeviceModels& known) {
    std::vector<std::string_view> names;
    names.reserve(known.models.size());
    for (const DeviceModel& m : known.models)
        names.push_back(m.name);
    const std::string list = list_of(names);
    const std::string near(nearest(std::get<std::string>(setting.value), names));
    return s
        .wrong(setting,
               "a model that there is" + (near.empty() ? "" : "; did you mean '" + near + "'?"))
        .way_out("known here: " + list);
}

std::string text_of(const Datum& value) {
    if (const auto* flag = std::get_if<bool>(&value))
        return *flag ? "true" : "false";
    if (const auto* number = std::get_if<std::uint64_t>(&value))
        return std::to_string(*number);
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr ? *text : "";
}

Status check_options(Settings& s, DeviceConfig& device, const std::vector<Key>& keys, Place place) {
    const Table& given = given_options(s, device.options);
    std::vector<std::string_view> names;
    names.reserve(keys.size());
    for (const Key& key : keys)
        names.push_back(key.path);
    for (const Entry& e : given.entries())
        if (std::find(names.begin(), names.end(), e.key) == names.end())
            return unknown_key(s.document(), e.place, device.options, e.key, names);
    std::vector<Setting> shown;
    for (const Key& key : keys) {
        KeyCheck check = {device.options + "." + key.path, key.rule, key.required, std::nullopt};
        if (key.preset != nullptr)
            check.preset = key.preset;
        SEGUE_ASSIGN(auto setting, check_key(s.document(), check, given.find(key.path), place));
        if (!setting)
            continue;
        device.values[key.path] = text_of(setting->value);
        shown.push_back(std::move(*setting));
    }
    s.replace_below(device.options, std::move(shown));
    return {};
}

} // namespace

Status check_devices(GuestConfig& config, const DeviceModels& known) {
    Settings& s = config.settings;
    for (std::size_t i = 0; i < config.devices.size(); ++i) {
        DeviceConfig& device = config.devices[i];
        const std::string at = "device[" + std::to_string(i) + "]";
        const Setting id = *s.find(at + ".id");
        if (i == known.most)
            return s
                .wrong(id, "one of at most " + std::to_string(known.most) + " devices of a guest")
                .way_out("remove a device: there are no more slots");
        if (device.id.size() > kLongestId)
            return s.wrong(id, "a name of at most 31 letters").way_out("shorten it");
        const Setting named = *s.find(at + ".model");
        const auto model =
            std::find_if(known.models.begin(), known.models.end(),
                         [&](const DeviceModel& m) { return m.name == device.model; });
        if (model == known.models.end())
            return unknown_model(s, named, known);
        const Setting* table = s.find(device.options);
        const bool written = table != nullptr && table->place.column != 0;
        std::vector<Key> keys(model->options.begin(), model->options.end());
        keys.insert(keys.end(), known.of_each.begin(), known.of_each.end());
        SEGUE_TRY(check_options(s, device, keys, written ? table->place : named.place));
    }
    return {};
}

} // namespace segue::config

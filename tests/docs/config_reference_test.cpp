// SPDX-License-Identifier: Apache-2.0
// docs/reference/config.md and devices.md have one row for each key of the schemas, and say of it
// what the schema says.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "core/config/guest_config.hpp"
#include "core/config/rule.hpp"
#include "vmm/devices/models.hpp"

namespace segue::config {
namespace {

std::string default_of(const Key& key) {
    if (key.required)
        return "required";
    if (key.preset == nullptr)
        return "none";
    return *key.preset == '\0' ? "empty" : "`" + std::string(key.preset) + "`";
}

// `of`: what stands before the key.
std::string row_of(const Key& key, const std::string& of = "") {
    return "| `" + of + key.path + "` | " + expectation(key.rule) + " | " + default_of(key) +
           " | " + key.doc + " |\n";
}

std::string rows_in(const std::string& file) {
    std::string rows;
    std::ifstream page(SEGUE_SOURCE_DIR "/docs/reference/" + file);
    for (std::string line; std::getline(page, line);)
        if (line.rfind("| `", 0) == 0)
            rows += line + "\n";
    return rows;
}

TEST(Docs, TheDevicesReferenceIsTheModels) {
    std::string expected;
    for (const DeviceModel& model : vmm::device_models().models)
        for (const Key& key : model.options)
            expected += row_of(key, std::string(model.name) + ".");
    for (const Key& key : vmm::device_models().of_each)
        expected += row_of(key, "virtio-*.");
    EXPECT_EQ(rows_in("devices.md"), expected) << "the rows should be:\n" << expected;
}

TEST(Docs, TheConfigurationsReferenceIsTheSchema) {
    std::string expected;
    for (const Key& key : guest_keys())
        expected += row_of(key);
    const std::string written = rows_in("config.md");
    EXPECT_EQ(written, expected) << "the rows should be:\n" << expected;
}

} // namespace
} // namespace segue::config

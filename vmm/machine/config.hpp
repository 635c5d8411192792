// SPDX-License-Identifier: Apache-2.0
// config.hpp - what a machine is made from at its first boot.
#pragma once

#include <cstdint>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "vmm/boot/kernel.hpp"
#include "vmm/devices/console/backend.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/machine/device_config.hpp"

namespace segue::vmm {

// The virtual hardware's version; the guest keeps the one that it was started with.
inline constexpr const char* kMachineVersion = "segue-1";
inline constexpr unsigned kMaxVcpus = 64;

// Everything but guest RAM, which the inventory holds.
struct MachineConfig {
    unsigned vcpus = 1;
    BootFiles boot; // read again at a reset
    ConsoleConfig console;
    std::vector<DeviceConfig> devices = {};
    CpuChoice cpu = {}; // known at the first boot only: what it made of it travels

    // Section "machine" of the manifest, with the version; sections "device".
    void write(state::Writer& manifest) const;
    static Result<MachineConfig> read(const state::Reader& manifest);
};

} // namespace segue::vmm

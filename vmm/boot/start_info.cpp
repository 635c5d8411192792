// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/start_info.hpp"

#include <cstring>

#include "vmm/boot/pvh.hpp"

namespace segue::vmm {

Status write_start_info(const BootInfo& boot, const GuestRam& ram) {
    const auto map = memory_map(ram.layout());
    SEGUE_ASSIGN(const auto area, ram.at(kStartInfo, kCommandLine - kStartInfo));
    std::memset(area.data(), 0, area.size());
    StartInfo info;
    info.command_line = kCommandLine;
    info.rsdp = boot.rsdp;
    info.memory_map = kBootMap;
    info.memory_map_entries = static_cast<std::uint32_t>(map.size());
    if (boot.initrd.bytes != 0) {
        info.modules = 1;
        info.module_list = kModule;
        const StartInfoModule module = {boot.initrd.guest, boot.initrd.bytes, 0, 0};
        std::memcpy(area.data() + (kModule - kStartInfo), &module, sizeof module);
    }
    std::memcpy(area.data(), &info, sizeof info);
    std::byte* to = area.data() + (kBootMap - kStartInfo);
    for (const MemoryMapEntry& e : map) {
        const StartInfoMemory entry = {e.guest, e.bytes, e.ram ? 1u : 2u, 0};
        std::memcpy(to, &entry, sizeof entry);
        to += sizeof entry;
    }
    return write_command_line(boot.command_line, ram);
}

} // namespace segue::vmm

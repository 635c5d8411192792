// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/start_info.hpp"

#include <cstring>

#include "vmm/boot/pvh.hpp"

namespace segue::vmm {

Status write_start_info(const std::string& command_line, const GuestRam& ram) {
    const auto map = memory_map(ram.layout());
    if (kBootMap + map.size() * sizeof(StartInfoMemory) > kCommandLine)
        return Error(Code::Invalid, "guest memory map: more regions than the boot area holds");
    SEGUE_ASSIGN(const auto area, ram.at(kStartInfo, kBootAreaEnd - kStartInfo));
    std::memset(area.data(), 0, area.size());
    StartInfo info;
    info.command_line = kCommandLine;
    info.memory_map = kBootMap;
    info.memory_map_entries = static_cast<std::uint32_t>(map.size());
    std::memcpy(area.data(), &info, sizeof info);
    std::byte* to = area.data() + (kBootMap - kStartInfo);
    for (const MemoryMapEntry& e : map) {
        const StartInfoMemory entry = {e.guest, e.bytes, e.ram ? 1u : 2u, 0};
        std::memcpy(to, &entry, sizeof entry);
        to += sizeof entry;
    }
    std::memcpy(area.data() + (kCommandLine - kStartInfo), command_line.data(),
                command_line.size());
    return {};
}

} // namespace segue::vmm

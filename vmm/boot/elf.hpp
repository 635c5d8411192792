// SPDX-License-Identifier: Apache-2.0
// elf.hpp - what a loader needs of an ELF file that may come from anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

// One PT_LOAD or PT_NOTE segment; its file range lies in the file.
struct ElfSegment {
    std::uint64_t offset = 0;     // in the file
    std::uint64_t file_bytes = 0; // what the file holds; the rest, up to memory_bytes, is zero
    std::uint64_t guest = 0;      // physical address
    std::uint64_t memory_bytes = 0;
    std::uint64_t align = 0;
};

// Checked headers of an x86 ELF, 32 or 64 bits. `name` is for errors.
struct ElfFile {
    std::vector<ElfSegment> loads;
    std::vector<ElfSegment> notes;

    static Result<ElfFile> read(int fd, const std::string& name);
};

} // namespace segue::vmm

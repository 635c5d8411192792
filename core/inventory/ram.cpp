// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/ram.hpp"

#include <sys/mman.h>

namespace segue::inventory {

namespace {

Result<RamBlock> mapped(plugin::Block from, const std::string& id, const std::string& backend) {
    RamBlock b;
    b.id = id;
    b.backend = backend;
    b.offset = from.offset;
    b.bytes = from.bytes;
    b.page_shift = from.page_shift;
    b.map_flags = from.map_flags;
    b.survives = from.survives;
    b.stamp = from.stamp;
    SEGUE_ASSIGN(b.map,
                 Mapping::make(b.bytes, PROT_READ | PROT_WRITE, static_cast<int>(b.map_flags),
                               from.fd.get(), static_cast<off_t>(b.offset), "RAM block " + id));
    b.fd = std::move(from.fd);
    return b;
}

} // namespace

Result<RamBlock> make_block(plugin::Memory& memory, const std::string& id,
                            const std::string& backend, std::uint64_t bytes) {
    SEGUE_ASSIGN(plugin::Block block, memory.make(id, bytes));
    return mapped(std::move(block), id, backend);
}

Result<RamBlock> reopen_block(plugin::Memory& memory, const std::string& id,
                              const std::string& backend, std::uint64_t bytes) {
    SEGUE_ASSIGN(plugin::Block block, memory.reopen(id, bytes));
    return mapped(std::move(block), id, backend);
}

Result<RamBlock> adopt_block(plugin::Memory& memory, const std::string& id,
                             const std::string& backend, UniqueFd fd, std::uint64_t offset,
                             std::uint64_t bytes) {
    SEGUE_ASSIGN(plugin::Block block, memory.adopt(id, std::move(fd), offset, bytes));
    return mapped(std::move(block), id, backend);
}

Result<RamBlock> stand_in(const std::string& id, std::uint64_t bytes) {
    RamBlock b;
    b.id = id;
    b.bytes = bytes;
    SEGUE_ASSIGN(b.map, Mapping::make(bytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0,
                                      "RAM block " + id));
    return b;
}

} // namespace segue::inventory

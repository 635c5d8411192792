// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/adapters/memory.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

namespace segue::plugin {

namespace {

constexpr std::uint64_t all_survivals =
    SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER | SEGUE_SURVIVES_RESTART | SEGUE_SURVIVES_KERNEL;
constexpr std::uint64_t stamp_bytes = 4096;

segue_block empty_block() {
    segue_block b = {};
    b.size = sizeof b;
    b.fd = -1;
    b.stamp = SEGUE_NO_STAMP;
    return b;
}

// "" where a mapping of the block could be made, else what is wrong with it.
std::string fault_of(const segue_block& b, std::uint64_t asked) {
    if (b.bytes != asked)
        return "it gave " + std::to_string(b.bytes) + " bytes instead of " + std::to_string(asked);
    if (b.page_shift < 12 || b.page_shift > 30)
        return "page_shift " + std::to_string(b.page_shift) + " is out of range";
    if (b.offset % (1ull << b.page_shift) != 0)
        return "the offset is not aligned to a page";
    const auto flags = static_cast<int>(b.map_flags), kind = flags & (MAP_SHARED | MAP_PRIVATE);
    const bool known = kind == MAP_SHARED || kind == MAP_PRIVATE || kind == MAP_SHARED_VALIDATE;
    if (!known || (flags & MAP_FIXED) != 0)
        return "its map_flags cannot be used";
    if ((flags & MAP_ANONYMOUS) != 0 && (kind != MAP_PRIVATE || b.fd >= 0 || b.survives != 0))
        return "anonymous memory is private, has no descriptor and outlives nothing";
    if ((b.survives & ~all_survivals) != 0)
        return "'survives' has unknown bits";
    if (b.stamp != SEGUE_NO_STAMP &&
        (b.stamp % stamp_bytes != 0 ||
         (b.stamp + stamp_bytes > b.offset && b.stamp < b.offset + b.bytes)))
        return "the stamp lies within the RAM";
    return {};
}

// Where the size of the file can be known.
std::string fault_of_file(const segue_block& b) {
    struct stat s = {};
    if (::fstat(b.fd, &s) != 0 || !S_ISREG(s.st_mode))
        return {};
    const auto size = static_cast<std::uint64_t>(s.st_size);
    if (b.offset > size || b.bytes > size - b.offset)
        return "the file has " + std::to_string(size) + " bytes, less than the RAM needs";
    if (b.stamp != SEGUE_NO_STAMP && (b.stamp > size || stamp_bytes > size - b.stamp))
        return "the stamp lies beyond the file";
    return {};
}

} // namespace

Result<Memory> Memory::create(const LoadedPlugin& plugin, const PluginConfig& config) {
    SEGUE_ASSIGN(auto i, make_instance<segue_memory>(
                             plugin, SEGUE_MEMORY_ID, config, [&](auto& made, segue_error* e) {
                                 return made.table.create(config.abi(), made.host.abi(), &made.self,
                                                          e);
                             }));
    SEGUE_TRY(check_caps(plugin, i->table.caps));
    return Memory(std::move(i));
}

Status Memory::check(std::uint64_t bytes) {
    if (instance_->table.check == nullptr)
        return {};
    return call(name(), "check",
                [&](segue_error* e) { return instance_->table.check(instance_->self, bytes, e); });
}

Result<Block> Memory::checked(const char* function, const std::string& block, std::uint64_t bytes,
                              const segue_block& raw) {
    UniqueFd fd;
    const bool anonymous = (static_cast<int>(raw.map_flags) & MAP_ANONYMOUS) != 0;
    if (!anonymous || raw.fd >= 0) {
        SEGUE_ASSIGN(fd, take_fd(name(), function, raw.fd));
    }
    std::string fault = fault_of(raw, bytes);
    if (fault.empty() && fd)
        fault = fault_of_file(raw);
    if (!fault.empty())
        return broken(name(), function, fault);
    Block b;
    b.name = block;
    b.fd = std::move(fd);
    b.offset = raw.offset;
    b.bytes = raw.bytes;
    b.page_shift = raw.page_shift;
    b.map_flags = raw.map_flags;
    b.stamp = raw.stamp;
    b.survives = raw.survives;
    return b;
}

Result<Block> Memory::make(const std::string& block, std::uint64_t bytes) {
    segue_block raw = empty_block();
    SEGUE_TRY(call(name(), "make", [&](segue_error* e) {
        return instance_->table.make(instance_->self, block.c_str(), bytes, &raw, e);
    }));
    return checked("make", block, bytes, raw);
}

Result<Block> Memory::reopen(const std::string& block, std::uint64_t bytes) {
    if (instance_->table.reopen == nullptr)
        return Error(Code::Unsupported, "memory " + name() + " does not survive a restart")
            .with("plugin", name());
    segue_block raw = empty_block();
    SEGUE_TRY(call(name(), "reopen", [&](segue_error* e) {
        return instance_->table.reopen(instance_->self, block.c_str(), bytes, &raw, e);
    }));
    return checked("reopen", block, bytes, raw);
}

Result<Block> Memory::adopt(const std::string& block, UniqueFd fd, std::uint64_t offset,
                            std::uint64_t bytes) {
    segue_block raw = empty_block();
    SEGUE_TRY(call(name(), "adopt", [&](segue_error* e) {
        return instance_->table.adopt(instance_->self, block.c_str(), fd.get(), offset, bytes, &raw,
                                      e);
    }));
    (void)fd.release(); // consumed on OK
    if (raw.offset != offset)
        return broken(name(), "adopt", "it moved the RAM within its file");
    return checked("adopt", block, bytes, raw);
}

void Memory::drop(const std::string& block) {
    if (instance_->table.drop != nullptr)
        instance_->table.drop(instance_->self, block.c_str());
}

} // namespace segue::plugin

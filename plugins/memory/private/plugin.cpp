// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "private": anonymous memory that no other process can be given, until an
// update has converted it into a memfd, which it then stays.
#include <segue/cpp/memory.hpp>

#include "plugins/memory/common/sealed_memfd.hpp"

namespace {

using namespace segue;

class Private final : public Memory {
public:
    static Result<std::unique_ptr<Private>> create(const Config&, const Host&) {
        return std::make_unique<Private>();
    }

    Result<Block> make(const std::string&, std::uint64_t bytes) override {
        Block b;
        b.bytes = bytes;
        b.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        return b;
    }
    // What the generation before has made of such a block.
    Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        SEGUE_TRY(sealed_memfd::verify(name, fd, offset, bytes));
        Block b;
        b.bytes = bytes;
        b.offset = offset;
        b.survives = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER;
        return b;
    }
};

constexpr Info info = {
    .summary = "anonymous memory of one process, which nobody else can map before it is converted",
    .caps = SEGUE_MEMORY_USERFAULT};

} // namespace

SEGUE_EXPORT_MEMORY(Private, info);

// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "memfd": anonymous shared memory in small pages.
#include <segue/cpp/memory.hpp>

#include "plugins/memory/common/sealed_memfd.hpp"

namespace {

using namespace segue;

constexpr std::uint64_t survives = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER;

class Memfd final : public Memory {
public:
    static Result<std::unique_ptr<Memfd>> create(const Config&, const Host&) {
        return std::make_unique<Memfd>();
    }

    Result<Block> make(const std::string& name, std::uint64_t bytes) override {
        SEGUE_ASSIGN(UniqueFd fd, sealed_memfd::make(name, bytes));
        return block(std::move(fd), bytes, 0);
    }

    Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        SEGUE_TRY(sealed_memfd::verify(name, fd, offset, bytes));
        return block({}, bytes, offset);
    }

private:
    static Block block(UniqueFd fd, std::uint64_t bytes, std::uint64_t offset) {
        Block b;
        b.fd = std::move(fd);
        b.bytes = bytes;
        b.offset = offset;
        b.survives = survives;
        return b;
    }
};

constexpr Info info = {.summary = "anonymous shared memory (memfd_create)",
                       .caps = survives | SEGUE_MEMORY_USERFAULT};

} // namespace

SEGUE_EXPORT_MEMORY(Memfd, info);

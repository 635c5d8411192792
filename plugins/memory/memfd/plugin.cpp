// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "memfd": anonymous memory with a descriptor, of a size that nobody can
// change.
#include <segue/cpp/memory.hpp>
#include <segue/cpp/sys.hpp>

namespace {

using namespace segue;

constexpr std::uint64_t caps =
    SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER | SEGUE_MEMORY_USERFAULT;
// A peer that could shrink the file could kill this process with SIGBUS.
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

class Memfd final : public Memory {
public:
    static Result<std::unique_ptr<Memfd>> create(const Config&, const Host&) {
        return std::make_unique<Memfd>();
    }

    Result<Block> make(const std::string& name, std::uint64_t bytes) override {
        SEGUE_ASSIGN(UniqueFd fd, sys::memfd("segue:" + name, MFD_ALLOW_SEALING));
        SEGUE_TRY(sys::truncate(fd.get(), bytes));
        SEGUE_TRY(sys::seal(fd.get(), seals));
        return block(std::move(fd), bytes, 0);
    }

    Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        auto has = sys::seals(fd); // EINVAL: not of memfd_create
        if (!has)
            return std::move(has).error().while_doing("adopt " + name + " as a memfd");
        if ((*has & seals) != seals)
            return Error(Code::Refused, "adopt " + name + ": its size is not sealed");
        SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
        const auto size = static_cast<std::uint64_t>(s.st_size);
        if (offset > size || bytes > size - offset)
            return Error(Code::Refused, "adopt " + name + ": the memfd has " +
                                            std::to_string(size) + " bytes, too few for " +
                                            std::to_string(bytes) + " at " +
                                            std::to_string(offset));
        return block({}, bytes, offset);
    }

private:
    static Block block(UniqueFd fd, std::uint64_t bytes, std::uint64_t offset) {
        Block b;
        b.fd = std::move(fd);
        b.bytes = bytes;
        b.offset = offset;
        b.survives = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER;
        return b;
    }
};

constexpr Info info = {.summary = "anonymous shared memory (memfd_create)", .caps = caps};

} // namespace

SEGUE_EXPORT_MEMORY(Memfd, info);

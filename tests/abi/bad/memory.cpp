// SPDX-License-Identifier: Apache-2.0
// memory.cpp - memory that breaks one rule, which its option names; without one it keeps them all.
#include <segue/cpp/memory.hpp>
#include <segue/cpp/sys.hpp>

namespace {

using namespace segue;

class BadMemory final : public Memory {
public:
    explicit BadMemory(std::string way)
        : way_(std::move(way)) {}

    static Result<std::unique_ptr<BadMemory>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string way, config.text("way"));
        return std::make_unique<BadMemory>(std::move(way));
    }
    Result<Block> make(const std::string& name, std::uint64_t bytes) override {
        Block b = describe(bytes);
        SEGUE_ASSIGN(b.fd, sys::memfd(name, 0));
        SEGUE_TRY(sys::truncate(b.fd.get(), way_ == "short" ? bytes / 2 : bytes));
        const std::byte one{1};
        if (way_ == "dirty")
            SEGUE_TRY(sys::pwrite_all(b.fd.get(), {&one, 1}, bytes / 2));
        if (way_ == "cloexec")
            (void)::fcntl(b.fd.get(), F_SETFD, 0);
        return b;
    }
    Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
        if (way_ != "trusting" &&
            (!S_ISREG(s.st_mode) || static_cast<std::uint64_t>(s.st_size) < offset + bytes)) {
            if (way_ == "closes")
                ::close(fd);
            return Error(Code::Refused, "adopt " + name + ": it is too short");
        }
        Block b = describe(bytes);
        b.offset = offset;
        if (way_ == "zeroes")
            SEGUE_TRY(sys::truncate(fd, 0));
        if (way_ == "zeroes")
            SEGUE_TRY(sys::truncate(fd, bytes));
        return b;
    }

private:
    Block describe(std::uint64_t bytes) const {
        Block b;
        b.bytes = way_ == "size" ? bytes / 2 : bytes;
        b.map_flags = way_ == "private" ? MAP_PRIVATE : MAP_SHARED;
        b.survives = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER |
                     (way_ == "boasts" ? SEGUE_SURVIVES_KERNEL : 0);
        return b;
    }
    std::string way_;
};

constexpr segue_option options[] = {string_option("way", "which rule to break", "none")};
constexpr Info info = {.summary = "breaks the contract",
                       .caps = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER,
                       .options = options};

} // namespace

SEGUE_EXPORT_MEMORY(BadMemory, info);

// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "file": a file of the user's choosing, which other processes can map too.
#include "plugins/memory/common/ram_file.hpp"

#include <segue/cpp/memory.hpp>

namespace {

using namespace segue;

constexpr std::uint64_t survives =
    SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER | SEGUE_SURVIVES_RESTART;

class FileMemory final : public Memory {
public:
    explicit FileMemory(std::string path)
        : file_(std::move(path)) {}

    static Result<std::unique_ptr<FileMemory>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string path, config.text("path"));
        return std::make_unique<FileMemory>(std::move(path));
    }

    Status check(std::uint64_t bytes) override { return file_.check(bytes); }
    Result<Block> make(const std::string&, std::uint64_t bytes) override {
        SEGUE_ASSIGN(UniqueFd fd, file_.make(bytes));
        return block(std::move(fd), bytes);
    }
    Result<Block> reopen(const std::string&, std::uint64_t bytes) override {
        SEGUE_ASSIGN(UniqueFd fd, file_.open(bytes));
        return block(std::move(fd), bytes);
    }
    Result<Block> adopt(const std::string&, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        SEGUE_TRY(file_.verify(fd, offset, bytes));
        SEGUE_ASSIGN(Block b, describe(fd, bytes));
        return b;
    }
    void drop(const std::string&) override { file_.remove(); }

private:
    static Result<Block> describe(int fd, std::uint64_t bytes) {
        Block b;
        SEGUE_ASSIGN(b.page_shift, ram_file::page_shift(fd));
        b.bytes = bytes;
        b.stamp = bytes;
        b.survives = survives;
        return b;
    }
    static Result<Block> block(UniqueFd fd, std::uint64_t bytes) {
        SEGUE_ASSIGN(Block b, describe(fd.get(), bytes));
        b.fd = std::move(fd);
        return b;
    }

    ram_file::RamFile file_;
};

constexpr segue_option options[] = {
    required(path_option("path", "the file, which must not exist"))};
constexpr Info info = {
    .summary = "a file that other processes can map", .caps = survives, .options = options};

} // namespace

SEGUE_EXPORT_MEMORY(FileMemory, info);

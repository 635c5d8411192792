// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "hugetlbfs": huge pages of the host's pool, anonymous or in a file of a
// hugetlbfs mount.
#include <optional>

#include <segue/cpp/memory.hpp>

#include "plugins/memory/common/ram_file.hpp"
#include "plugins/memory/common/sealed_memfd.hpp"
#include "pool.hpp"

namespace {

using namespace segue;

constexpr std::uint64_t in_memory = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER;

Result<std::uint32_t> shift_of(const std::string& page_size) {
    if (page_size == "2M")
        return 21u;
    if (page_size == "1G")
        return 30u;
    return Error(Code::Invalid, "page_size = \"" + page_size + "\" is not known")
        .way_out("set 'page_size' to \"2M\" or \"1G\"");
}

class Hugetlbfs final : public Memory {
public:
    Hugetlbfs(std::uint32_t shift, std::optional<ram_file::RamFile> file)
        : shift_(shift)
        , pool_(shift)
        , file_(std::move(file)) {}

    static Result<std::unique_ptr<Hugetlbfs>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(const std::string page_size, config.text("page_size"));
        SEGUE_ASSIGN(const std::uint32_t shift, shift_of(page_size));
        auto path = config.text("path");
        if (!path && path.code() != Code::NotFound)
            return std::move(path).error();
        std::optional<ram_file::RamFile> file;
        if (path)
            file.emplace(std::move(*path));
        return std::make_unique<Hugetlbfs>(shift, std::move(file));
    }

    // A file has one page more, for the stamp.
    Status check(std::uint64_t bytes) override {
        return pool_.has(bytes + (file_ ? 1ull << shift_ : 0));
    }
    Result<Block> make(const std::string& name, std::uint64_t bytes) override {
        SEGUE_TRY(check(bytes));
        if (!file_) {
            // memfd_create(2): the page size is in the flags, as of mmap(2).
            SEGUE_ASSIGN(UniqueFd fd,
                         sealed_memfd::make(name, bytes, MFD_HUGETLB | (shift_ << MAP_HUGE_SHIFT)));
            return block(std::move(fd), bytes, 0);
        }
        SEGUE_ASSIGN(UniqueFd fd, file_->make(bytes));
        if (Status s = check_pages(fd.get()); !s) {
            file_->remove();
            return std::move(s).error();
        }
        return block(std::move(fd), bytes, 0);
    }
    Result<Block> reopen(const std::string& name, std::uint64_t bytes) override {
        if (!file_)
            return Memory::reopen(name, bytes);
        SEGUE_ASSIGN(UniqueFd fd, file_->open(bytes));
        SEGUE_TRY(check_pages(fd.get()));
        return block(std::move(fd), bytes, 0);
    }
    Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        SEGUE_TRY(file_ ? file_->verify(fd, offset, bytes)
                        : sealed_memfd::verify(name, fd, offset, bytes));
        SEGUE_TRY(check_pages(fd));
        return block({}, bytes, offset);
    }
    void drop(const std::string&) override {
        if (file_)
            file_->remove();
    }

private:
    Status check_pages(int fd) const {
        SEGUE_ASSIGN(const std::uint32_t has, ram_file::page_shift(fd));
        if (has == shift_)
            return {};
        return Error(Code::Refused, "its pages have " + std::to_string(1ull << has) +
                                        " bytes, and 'page_size' is " +
                                        std::to_string(1ull << shift_))
            .way_out("set 'path' to a file on a hugetlbfs mount of that size: mount -t hugetlbfs "
                     "-o pagesize=2M none DIR");
    }
    Block block(UniqueFd fd, std::uint64_t bytes, std::uint64_t offset) const {
        Block b;
        b.fd = std::move(fd);
        b.bytes = bytes;
        b.offset = offset;
        b.page_shift = shift_;
        b.stamp = file_ ? bytes : SEGUE_NO_STAMP;
        b.survives = in_memory | (file_ ? SEGUE_SURVIVES_RESTART : 0);
        return b;
    }

    std::uint32_t shift_;
    hugetlbfs::Pool pool_;
    std::optional<ram_file::RamFile> file_;
};

constexpr segue_option options[] = {
    string_option("page_size", "2M or 1G", "2M"),
    path_option("path", "a file on a hugetlbfs mount, which must not exist; without it the memory "
                        "is anonymous and does not outlive its processes"),
};
constexpr Info info = {.summary = "huge pages of the host's pool, anonymous or in a file",
                       .caps = in_memory | SEGUE_SURVIVES_RESTART | SEGUE_MEMORY_USERFAULT,
                       .options = options};

} // namespace

SEGUE_EXPORT_MEMORY(Hugetlbfs, info);

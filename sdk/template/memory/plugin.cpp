// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "acme-memory": each RAM block is a file of its own in a folder, and outlives
// its processes there. Change what is inside.
#include <segue/cpp/memory.hpp>
#include <segue/cpp/sys.hpp>

namespace {

using namespace segue;

constexpr std::uint64_t survives =
    SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER | SEGUE_SURVIVES_RESTART;

class AcmeMemory final : public Memory {
public:
    explicit AcmeMemory(std::string folder)
        : folder_(std::move(folder)) {}

    static Result<std::unique_ptr<AcmeMemory>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string folder, config.text("folder"));
        return std::make_unique<AcmeMemory>(std::move(folder));
    }

    // Says before the guest starts what make() would say then.
    Status check(std::uint64_t) override {
        if (::access(folder_.c_str(), W_OK | X_OK) == 0)
            return {};
        return Error::from_errno(errno, "make a file in " + folder_)
            .way_out("make the folder, or set another 'folder'");
    }

    Result<Block> make(const std::string& name, std::uint64_t bytes) override {
        auto fd = sys::open(file(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
        if (!fd && fd.code() == Code::Exists)
            return std::move(fd).error().way_out("remove it, if no guest uses it");
        if (!fd)
            return std::move(fd).error();
        if (Status sized = sys::truncate(fd->get(), bytes); !sized) {
            drop(name);
            return std::move(sized).error();
        }
        return block(std::move(*fd), bytes);
    }

    Result<Block> reopen(const std::string& name, std::uint64_t bytes) override {
        SEGUE_ASSIGN(UniqueFd fd, sys::open(file(name), O_RDWR | O_NOFOLLOW));
        SEGUE_TRY(verify(name, fd.get(), 0, bytes));
        return block(std::move(fd), bytes);
    }

    Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        SEGUE_TRY(verify(name, fd, offset, bytes));
        return block({}, bytes);
    }

    void drop(const std::string& name) override { ::unlink(file(name).c_str()); }

private:
    std::string file(const std::string& name) const { return folder_ + "/" + name; }

    Status verify(const std::string& name, int fd, std::uint64_t offset, std::uint64_t bytes) {
        SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
        if (S_ISREG(s.st_mode) && offset == 0 && static_cast<std::uint64_t>(s.st_size) == bytes)
            return {};
        return Error(Code::Refused, file(name) + " is no file of " + std::to_string(bytes) +
                                        " bytes, but of " + std::to_string(s.st_size))
            .way_out("it belongs to a guest of another size: set another 'folder'");
    }

    static Block block(UniqueFd fd, std::uint64_t bytes) {
        Block b;
        b.fd = std::move(fd);
        b.bytes = bytes;
        b.survives = survives;
        return b;
    }

    std::string folder_;
};

constexpr segue_option options[] = {required(path_option("folder", "where the files lie"))};
constexpr Info info = {
    .summary = "a file for each RAM block", .caps = survives, .options = options};

} // namespace

SEGUE_EXPORT_MEMORY(AcmeMemory, info);

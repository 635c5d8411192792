// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "dax": persistent or set-aside memory of the host, as a device (device DAX)
// or as a file of a file system mounted with DAX. It stays where it is over a kexec of the host.
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <segue/cpp/memory.hpp>
#include <segue/cpp/sys.hpp>

#include "device.hpp"
#include "plugins/memory/common/ram_file.hpp"

#ifndef STATX_ATTR_DAX // Linux 5.8
#define STATX_ATTR_DAX 0x00200000
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

namespace {

using namespace segue;

constexpr std::uint64_t survives =
    SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER | SEGUE_SURVIVES_RESTART | SEGUE_SURVIVES_KERNEL;

// On another file system the page cache would be between the guest and its memory.
Status check_dax(int fd, const std::string& path) {
    struct ::statx s = {};
    if (::syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &s) != 0)
        return Error::from_errno(errno, "statx " + path);
    if ((s.stx_attributes & STATX_ATTR_DAX) != 0)
        return {};
    return Error(Code::Refused, path + " does not lie on a file system that uses DAX")
        .way_out("mount -o dax=always, or use memory back-end \"file\"; for a device name one of "
                 "/dev/dax*");
}

class Dax final : public Memory {
public:
    Dax(std::string path, bool overwrite)
        : path_(path)
        , overwrite_(overwrite)
        , file_(path)
        , device_(std::move(path)) {}

    static Result<std::unique_ptr<Dax>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string path, config.text("path"));
        SEGUE_ASSIGN(const bool overwrite, config.flag("overwrite"));
        return std::make_unique<Dax>(std::move(path), overwrite);
    }

    Status check(std::uint64_t bytes) override {
        return is_device() ? device_.check(bytes, overwrite_) : file_.check(bytes);
    }
    Result<Block> make(const std::string& name, std::uint64_t bytes) override {
        if (is_device())
            return complete(device_.make(name, bytes, overwrite_));
        SEGUE_ASSIGN(UniqueFd fd, file_.make(bytes));
        auto b = of_file(fd.get(), bytes);
        if (b)
            b->fd = std::move(fd);
        else
            file_.remove();
        return b;
    }
    Result<Block> reopen(const std::string& name, std::uint64_t bytes) override {
        if (is_device())
            return complete(device_.reopen(name, bytes));
        SEGUE_ASSIGN(UniqueFd fd, file_.open(bytes));
        SEGUE_ASSIGN(Block b, of_file(fd.get(), bytes));
        b.fd = std::move(fd);
        return b;
    }
    Result<Block> adopt(const std::string& name, int fd, std::uint64_t offset,
                        std::uint64_t bytes) override {
        SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
        if (S_ISCHR(s.st_mode))
            return complete(device_.verify(name, fd, offset, bytes));
        SEGUE_TRY(file_.verify(fd, offset, bytes));
        return of_file(fd, bytes);
    }
    void drop(const std::string&) override {
        if (is_device())
            device_.forget();
        else
            file_.remove();
    }

private:
    bool is_device() const {
        struct stat s = {};
        return ::stat(path_.c_str(), &s) == 0 && !S_ISREG(s.st_mode);
    }
    static Result<Block> complete(Result<Block> b) {
        if (b)
            b->survives = survives;
        return b;
    }
    // MAP_SYNC: what the file system knows of the file is on it before the guest's bytes are.
    Result<Block> of_file(int fd, std::uint64_t bytes) const {
        SEGUE_TRY(check_dax(fd, path_));
        Block b;
        b.bytes = bytes;
        b.stamp = bytes;
        b.map_flags = MAP_SHARED_VALIDATE | MAP_SYNC;
        return complete(std::move(b));
    }

    std::string path_;
    bool overwrite_;
    ram_file::RamFile file_;
    dax::Device device_;
};

constexpr segue_option options[] = {
    required(path_option("path", "a device (/dev/dax0.0), or a file on a file system mounted with "
                                 "DAX, which must not exist")),
    flag_option("overwrite", "take a device in which a guest's RAM is: a killed VMM left it there",
                "false"),
};
constexpr Info info = {.summary =
                           "memory of a DAX device or file, which outlives the host's kernel",
                       .caps = survives,
                       .options = options};

} // namespace

SEGUE_EXPORT_MEMORY(Dax, info);

// SPDX-License-Identifier: Apache-2.0
#include "key_file.hpp"

#include <filesystem>

#include <segue/cpp/sys.hpp>

#include "plugins/transports/common/trusted.hpp"

namespace tls {

using namespace segue;

namespace {

constexpr off_t kMost = 1 << 20; // bytes

// Of the file that is open, wherever links have led to: what is checked is what is read.
Status check_folder(int fd, const std::string& path) {
    std::error_code error;
    const auto real = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    if (error)
        return Error::from_errno(error.value(), "find the folder of " + path);
    const std::string folder = real.parent_path().string();
    struct stat s = {};
    if (::stat(folder.c_str(), &s) != 0)
        return Error::from_errno(errno, "look at " + folder);
    return check_trusted(s, folder);
}

} // namespace

Result<std::string> read_key_file(const std::string& path, Secrecy secrecy) {
    // O_NONBLOCK: a fifo must not hold us up before it is refused.
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(path, O_RDONLY | O_NONBLOCK));
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd.get()));
    if (!S_ISREG(s.st_mode))
        return Error(Code::Refused, path + " is not a regular file");
    SEGUE_TRY(check_trusted(s, path));
    SEGUE_TRY(check_folder(fd.get(), path));
    if (secrecy == Secrecy::Secret && (s.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return Error(Code::Refused, path + " holds a secret and is open to others than its owner")
            .way_out("chmod 0600 " + path + "; who could read it may have: make a new one");
    if (s.st_size > kMost)
        return Error(Code::Refused, path + " is larger than 1 MiB: that is no key");
    std::string bytes(static_cast<std::size_t>(s.st_size), '\0');
    SEGUE_TRY(sys::pread_all(fd.get(), std::as_writable_bytes(std::span(bytes)), 0));
    return bytes;
}

} // namespace tls

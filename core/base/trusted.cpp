// SPDX-License-Identifier: Apache-2.0
#include "core/base/trusted.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace segue {

namespace {

Status check(const std::filesystem::path& path) {
    struct stat s = {};
    if (::stat(path.c_str(), &s) != 0)
        return Error::from_errno(errno, "look at " + path.string());
    if (s.st_uid != 0 && s.st_uid != ::geteuid())
        return Error(Code::Refused, path.string() + " belongs to user " + std::to_string(s.st_uid))
            .way_out("chown it to root, or to the user that runs this");
    if ((s.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return Error(Code::Refused, path.string() + " can be written by others than its owner")
            .way_out("chmod go-w " + path.string());
    return {};
}

} // namespace

Result<std::filesystem::path> trusted_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    if (error)
        return Error::from_errno(error.value(), "find " + path.string()).way_out("check the path");
    SEGUE_TRY(check(real));
    SEGUE_TRY(check(real.parent_path()));
    return real;
}

} // namespace segue

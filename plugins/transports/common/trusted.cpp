// SPDX-License-Identifier: Apache-2.0
#include "plugins/transports/common/trusted.hpp"

#include <unistd.h>

namespace segue {

Status check_trusted(const struct stat& s, const std::string& what) {
    if (s.st_uid != 0 && s.st_uid != ::geteuid())
        return Error(Code::Refused, what + " belongs to user " + std::to_string(s.st_uid))
            .way_out("chown it to root, or to the user that runs this");
    if ((s.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return Error(Code::Refused, what + " can be written by others than its owner")
            .way_out("chmod go-w " + what);
    return {};
}

} // namespace segue

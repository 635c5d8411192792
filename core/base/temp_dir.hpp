// SPDX-License-Identifier: Apache-2.0
// temp_dir.hpp - a folder that goes away with its owner. For tests and staging.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace segue {

// On tmpfs, with a short path: a socket's has at most 107 bytes. [any]
class TempDir {
public:
    TempDir() {
        char name[] = "/dev/shm/segue-t-XXXXXX";
        if (::mkdtemp(name) != nullptr)
            path_ = name;
    }
    ~TempDir() {
        std::error_code ignored;
        if (!path_.empty())
            std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

} // namespace segue

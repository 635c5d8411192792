// SPDX-License-Identifier: Apache-2.0
// temp_dir.hpp - for tests: a folder that goes away with its files.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace segue::test {

class TempDir {
public:
    explicit TempDir(const std::string& in = "/tmp") {
        std::string name = in + "/segue-test-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

} // namespace segue::test

// SPDX-License-Identifier: Apache-2.0
// ram_file.hpp - the file behind a block: the RAM from its first byte on, and one page beside it
// for the stamp. It is as long as both, never longer or shorter.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::ram_file {

// Of the file system that the file lies on: 12, or more on hugetlbfs.
Result<std::uint32_t> page_shift(int fd);

// [main]
class RamFile {
public:
    explicit RamFile(std::string path)
        : path_(std::move(path)) {}

    // Whether the folder takes a new file of that size.
    Status check(std::uint64_t bytes) const;
    // A new file; Exists where there is one.
    Result<UniqueFd> make(std::uint64_t bytes) const;
    // The file that make() left behind.
    Result<UniqueFd> open(std::uint64_t bytes) const;
    // Whether `fd` is such a file, and the one at the path where there is one.
    Status verify(int fd, std::uint64_t offset, std::uint64_t bytes) const;
    void remove() const;

private:
    std::string path_;
};

} // namespace segue::ram_file

// SPDX-License-Identifier: Apache-2.0
// device.hpp - a character device of device DAX (/dev/dax0.0) as the place of one RAM block. A
// device is never empty: its last pages say whether a guest's RAM is in it.
// Source: Linux, Documentation/ABI/testing/sysfs-bus-dax.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/memory.hpp>
#include <segue/cpp/result.hpp>

namespace segue::dax {

// [main]
class Device {
public:
    // `sysfs`: where devices are described by number.
    explicit Device(std::string path, std::string sysfs = "/sys/dev/char")
        : path_(std::move(path))
        , sysfs_(std::move(sysfs)) {}

    // Room for `bytes`, whole pages, and nobody's RAM.
    Status check(std::uint64_t bytes, bool overwrite) const;
    // Zeroes it, marks it and locks it. EXISTS where RAM is in it, or rests there.
    Result<Block> make(const std::string& name, std::uint64_t bytes, bool overwrite) const;
    // With the RAM that make() left in it.
    Result<Block> reopen(const std::string& name, std::uint64_t bytes) const;
    // The block behind `fd`, which is borrowed.
    Result<Block> verify(const std::string& name, int fd, std::uint64_t offset,
                         std::uint64_t bytes) const;
    void forget() const;

private:
    struct Shape {
        std::uint64_t bytes = 0, page = 0;
        std::uint64_t mark() const { return bytes - (page < 8192 ? 2 * page : page); }
    };
    struct Opened {
        UniqueFd fd;
        Shape shape;
    };
    Result<Shape> shape_of(int fd) const;
    Result<Opened> open() const;
    Status fits(const Shape& shape, std::uint64_t bytes) const;
    Status lock(int fd, int how) const;
    Status check_mark(int fd, const Shape& shape, const std::string& name,
                      std::uint64_t bytes) const;

    std::string path_, sysfs_;
};

} // namespace segue::dax

// SPDX-License-Identifier: Apache-2.0
// mapping.hpp - an mmap that unmaps itself.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include <segue/cpp/result.hpp>

namespace segue {

// Move-only owner of one mapping.
class Mapping {
public:
    Mapping() = default;
    Mapping(Mapping&& o) noexcept
        : base_(std::exchange(o.base_, nullptr))
        , bytes_(std::exchange(o.bytes_, 0)) {}
    Mapping& operator=(Mapping&& o) noexcept {
        if (this != &o) {
            reset();
            base_ = std::exchange(o.base_, nullptr);
            bytes_ = std::exchange(o.bytes_, 0);
        }
        return *this;
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { reset(); }

    // mmap(2); `what` names the thing in the error.
    static Result<Mapping> make(std::size_t bytes, int prot, int flags, int fd, off_t offset,
                                const std::string& what) {
        void* p = ::mmap(nullptr, bytes, prot, flags, fd, offset);
        if (p == MAP_FAILED)
            return Error::from_errno(errno, "mmap " + what);
        Mapping m;
        m.base_ = p;
        m.bytes_ = bytes;
        return m;
    }

    std::byte* data() const { return static_cast<std::byte*>(base_); }
    std::size_t size() const { return bytes_; }
    std::span<std::byte> span() const { return {data(), bytes_}; }
    explicit operator bool() const { return base_ != nullptr; }

private:
    void reset() {
        if (base_ != nullptr)
            ::munmap(base_, bytes_);
        base_ = nullptr;
        bytes_ = 0;
    }
    void* base_ = nullptr;
    std::size_t bytes_ = 0;
};

} // namespace segue

// SPDX-License-Identifier: Apache-2.0
// ring.hpp - bytes on their way to a console; the oldest give way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace segue::vmm {

// All room is allocated and touched by the constructor. Not thread-safe.
class ByteRing {
public:
    explicit ByteRing(std::size_t bytes)
        : bytes_(bytes) {}

    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    std::uint64_t dropped() const { return dropped_; }

    void push(std::byte b) {
        if (count_ == bytes_.size()) {
            pop(1);
            ++dropped_;
        }
        bytes_[(start_ + count_++) % bytes_.size()] = b;
    }
    // The oldest bytes that lie in one piece.
    std::span<const std::byte> front() const {
        return std::span(bytes_).subspan(start_, std::min(count_, bytes_.size() - start_));
    }
    void pop(std::size_t n) {
        start_ = (start_ + n) % bytes_.size();
        count_ -= n;
    }
    // Puts what front() gave and pop() took back before the rest, as far as there is room.
    void give_back(std::span<const std::byte> bytes) {
        const std::size_t n = std::min(bytes.size(), bytes_.size() - count_);
        dropped_ += bytes.size() - n;
        start_ = (start_ + bytes_.size() - n) % bytes_.size();
        count_ += n;
        for (std::size_t i = 0; i < n; ++i)
            bytes_[(start_ + i) % bytes_.size()] = bytes[bytes.size() - n + i];
    }
    void clear() { start_ = count_ = 0; }
    // All of them in one piece.
    std::span<const std::byte> linear() {
        std::rotate(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(start_),
                    bytes_.end());
        start_ = 0;
        return std::span(bytes_).first(count_);
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t start_ = 0;
    std::size_t count_ = 0;
    std::uint64_t dropped_ = 0;
};

} // namespace segue::vmm

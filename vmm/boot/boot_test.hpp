// SPDX-License-Identifier: Apache-2.0
// boot_test.hpp - loads a kernel out of a memfd into a piece of memory, for tests.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "vmm/boot/kernel.hpp"

namespace segue::vmm {

class BootTest : public testing::Test {
protected:
    explicit BootTest(std::uint64_t ram_bytes)
        : storage_(ram_bytes, std::byte{0xcc})
        , ram({{{0, ram_bytes, 0, 0}, storage_.data()}})
        , kernel_(sys::memfd("kernel", 0).value())
        , initrd_(sys::memfd("initrd", 0).value()) {}

    // `initrd` empty: none.
    Result<BootVcpu> load(std::span<const std::byte> kernel, const std::string& line = "a=b",
                          std::span<const std::byte> initrd = {}) {
        fill(kernel_, kernel);
        fill(initrd_, initrd);
        kvm_sregs2 fresh = {};
        fresh.apic_base = kApicBase;
        return load_kernel({path(kernel_), initrd.empty() ? "" : path(initrd_), line}, ram, fresh);
    }
    template <class T>
    T at(std::uint64_t guest) const {
        T value;
        std::memcpy(&value, ram.at(guest, sizeof value)->data(), sizeof value);
        return value;
    }
    std::string text_at(std::uint64_t guest) const {
        return reinterpret_cast<const char*>(ram.at(guest, 1)->data());
    }
    bool untouched() const {
        return std::all_of(storage_.begin(), storage_.end(),
                           [](std::byte b) { return b == std::byte{0xcc}; });
    }

    static constexpr std::uint64_t kApicBase = 0xfee00900;

private:
    static std::string path(const UniqueFd& fd) {
        return "/proc/self/fd/" + std::to_string(fd.get());
    }
    static void fill(const UniqueFd& fd, std::span<const std::byte> bytes) {
        EXPECT_TRUE(sys::truncate(fd.get(), 0).ok());
        EXPECT_TRUE(sys::pwrite_all(fd.get(), bytes, 0).ok());
    }
    std::vector<std::byte> storage_;

protected:
    GuestRam ram;

private:
    UniqueFd kernel_, initrd_;
};

} // namespace segue::vmm

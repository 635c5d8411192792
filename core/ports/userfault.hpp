// SPDX-License-Identifier: Apache-2.0
// userfault.hpp - guest RAM that is there only once somebody has put it there: who touches a page
// before waits, and is told of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::ports {

// Somebody waits for the page of the block that this page of 4 KiB lies in.
struct Fault {
    std::uint32_t block;
    std::uint32_t thread; // its number in the kernel; 0: not known
    std::uint64_t page;
};

// Pages of 4 KiB, by block of the inventory; `first` and `n` of whole pages of the block.
// Implemented by vmm over userfaultfd(2); faked in tests.
class Userfault {
public:
    virtual ~Userfault() = default;
    Userfault(const Userfault&) = delete;
    Userfault& operator=(const Userfault&) = delete;

    // Whether this host can do it for anybody; UNSUPPORTED names what it lacks. [main]
    virtual Status check() = 0;
    // The blocks that it is for, which are mapped by now: whether it can be done for each; REFUSED
    // names one. Nothing changes for who touches them. [main]
    virtual Status begin(const std::vector<std::uint32_t>& blocks) = 0;
    // Before arm(): what is there goes. [main]
    virtual Status discard(std::uint32_t block, std::uint64_t first, std::uint64_t n) = 0;
    // From now on whoever touches a page that is not there waits. [main]
    virtual Status arm() = 0;
    // Readable while read() has something to tell, or once disarm() was called.
    virtual int fd() const = 0;
    // Those that wait, told once each; never blocks. [one thread]
    virtual Result<std::size_t> read(std::span<Fault> faults) = 0;
    // The pages are there, with these bytes; whoever waits for them goes on. They have not been
    // put there before. `placed`: how many are, also where that fails with one. [any]
    virtual Status place(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                         std::span<const std::byte> bytes, std::uint64_t& placed) = 0;
    // The same with zeros, by whoever comes first: pages that are there stay as they are. [any]
    virtual Status place_zeros(std::uint32_t block, std::uint64_t first, std::uint64_t n) = 0;
    // Whoever waits looks again. [any]
    virtual void wake(std::uint32_t block, std::uint64_t first, std::uint64_t n) noexcept = 0;
    // RAM is as any other: what is not there is zero, and whoever waits goes on. Idempotent. [any]
    virtual void disarm() noexcept = 0;

protected:
    Userfault() = default;
};

} // namespace segue::ports

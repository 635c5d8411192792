// SPDX-License-Identifier: Apache-2.0
// ram_converter.hpp - moves guest RAM that only this process has into memory with a descriptor,
// piece by piece, under the guest's addresses.
#pragma once

#include <cstdint>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::ports {

// What convert() did, in bytes of RAM.
struct Converted {
    std::uint64_t bytes = 0;  // that moved
    std::uint64_t copied = 0; // of them
    std::uint64_t left = 0;   // still to be moved
};

// For blocks without a descriptor. Implemented by vmm; faked in tests. What has moved stays so: a
// later start() goes on where the last one ended. [update]
class RamConverter {
public:
    virtual ~RamConverter() = default;
    RamConverter(const RamConverter&) = delete;
    RamConverter& operator=(const RamConverter&) = delete;

    // Whether the blocks can be moved; REFUSED names one that cannot. Changes nothing.
    virtual Status check() = 0;
    // Makes the memory that they move to, of a size that nobody can change, and takes none of it
    // yet. Gives a descriptor for each block of the inventory, borrowed; -1 for one that needs
    // none.
    virtual Result<std::vector<int>> start() = 0;
    // Guest running: chooses the next piece, of which at most about `copy` bytes are to be copied,
    // and takes memory for them. False: nothing is left.
    virtual Result<bool> make_ready(std::uint64_t copy) = 0;
    // Guest standing still, all of it: moves that piece. On an error RAM is as it was.
    virtual Result<Converted> convert() = 0;
    // Guest running: gives up what start() made for blocks of which nothing has moved. Idempotent.
    virtual void stop() noexcept = 0;

protected:
    RamConverter() = default;
};

} // namespace segue::ports

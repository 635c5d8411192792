// SPDX-License-Identifier: Apache-2.0
// dirty_log.hpp - which pages of guest RAM are written while the guest runs, for modes that copy
// them meanwhile.
#pragma once

#include <cstdint>
#include <span>

#include <segue/cpp/result.hpp>

namespace segue::ports {

// Pages of 4 KiB, by block of the inventory. Implemented by vmm over KVM's log and its own writes;
// faked in tests. look() and take() may be called by several threads, and while another stops it.
class DirtyLog {
public:
    virtual ~DirtyLog() = default;
    DirtyLog(const DirtyLog&) = delete;
    DirtyLog& operator=(const DirtyLog&) = delete;

    // Whether start() would succeed. REFUSED names a device whose writes nobody sees. [update]
    virtual Status check() = 0;
    // From now on writes are seen; every page counts as written once. Guest running. [update]
    virtual Status start() = 0;
    // Finds what was written since the last look; how many pages there are to be taken by now.
    virtual Result<std::uint64_t> look() = 0;
    // Which of the pages [first, first + bits.size() * 64) of `block` were written before the last
    // look and not taken since, the first in bit 0 of bits[0]; `first` is a multiple of 64, and
    // beyond the block's end there are none. They count as unwritten from now on: what is read of
    // them afterwards, by the caller, is what they are until the next look. The work is that of so
    // many pages.
    virtual Status take(std::uint32_t block, std::uint64_t first,
                        std::span<std::uint64_t> bits) = 0;
    // The guest stands still, and nobody takes anything once it runs again: what is taken from now
    // on need not be found again, which takes its time. Until start(). [update]
    virtual void guest_stopped() noexcept = 0;
    // Nothing is written down any more, and writes cost nothing again. Idempotent. [any]
    virtual void stop() noexcept = 0;

protected:
    DirtyLog() = default;
};

} // namespace segue::ports

// SPDX-License-Identifier: Apache-2.0
// balloon_size.hpp - how much the operator wants of the guest's memory, and how much it has given.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <segue/cpp/result.hpp>
#include <segue/cpp/sys.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::vmm {

// Between the control socket and the device's thread. In pages of 4 KiB (virtio 1.2, 5.5.6). [any]
class BalloonSize {
public:
    static constexpr std::uint64_t kPage = 4096;

    static Result<std::shared_ptr<BalloonSize>> create() {
        auto size = std::shared_ptr<BalloonSize>(new BalloonSize);
        SEGUE_ASSIGN(size->event_, sys::event());
        return size;
    }

    std::uint32_t wanted() const { return wanted_; }
    std::uint32_t given() const { return given_; }
    void want(std::uint32_t pages) {
        wanted_ = pages;
        sys::signal_event(event_.get());
    }

    // The device's side.
    void give(std::uint32_t pages) { given_ = pages; }
    int event() const { return event_.get(); }

private:
    BalloonSize() = default;
    std::atomic<std::uint32_t> wanted_ = 0, given_ = 0;
    UniqueFd event_; // something is wanted, or RAM has been given back to the host
};

} // namespace segue::vmm

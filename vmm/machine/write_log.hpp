// SPDX-License-Identifier: Apache-2.0
// write_log.hpp - how KVM tells which pages of guest RAM vCPUs, and it itself, have written.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "vmm/kvm/dirty_rings.hpp"
#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm {

// Of slots that log (log_slots()), one a region of guest RAM.
class WriteLog {
public:
    virtual ~WriteLog() = default;
    WriteLog(const WriteLog&) = delete;
    WriteLog& operator=(const WriteLog&) = delete;

    // UNSUPPORTED: this host's KVM has no such log.
    virtual Status check() const = 0;
    // Before the slots log.
    virtual Status start() = 0;
    // Adds what was written since the last call, a region each; of each page once until protect().
    virtual Status find(std::vector<PageBits>& pending) = 0;
    // The next write of these pages is found again; as Vm::clear_log().
    virtual Status protect(std::uint32_t region, std::uint64_t first, std::uint32_t pages,
                           std::span<std::uint64_t> bits) = 0;

protected:
    WriteLog() = default;
};

// Bitmaps with manual protection: KVM write-protects a page again when it is taken, not when it is
// looked at, so that the work is spread over the copying. Each look reads a bit a page of all RAM.
class BitmapLog final : public WriteLog {
public:
    explicit BitmapLog(Vm& vm)
        : vm_(vm) {}

    Status check() const override;
    Status start() override { return vm_.log_by_hand(); }
    Status find(std::vector<PageBits>& pending) override;
    Status protect(std::uint32_t region, std::uint64_t first, std::uint32_t pages,
                   std::span<std::uint64_t> bits) override {
        return vm_.clear_log(region, first, pages, bits);
    }

private:
    Vm& vm_;
};

// A ring a vCPU: a look costs what was written, however large the guest is. KVM write-protects the
// pages again when they are found; a vCPU whose ring is full waits until it is empty.
class RingLog final : public WriteLog {
public:
    RingLog(Vm& vm, DirtyRings rings, const GuestRam& ram)
        : vm_(vm)
        , rings_(std::move(rings))
        , ram_(ram) {}

    // vm.enable_dirty_rings() has succeeded.
    Status check() const override { return {}; }
    Status start() override;
    Status find(std::vector<PageBits>& pending) override;
    Status protect(std::uint32_t, std::uint64_t, std::uint32_t, std::span<std::uint64_t>) override {
        return {};
    }
    // A vCPU has left the guest because its ring is full. [vcpu]
    Status empty();

private:
    Status take_all(); // mutex_ held

    Vm& vm_;
    std::mutex mutex_; // of all below
    DirtyRings rings_;
    std::vector<PageBits> found_; // a region each; empty before start()
    const GuestRam& ram_;
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// fake_userfault_test.hpp - guest RAM that is touched by a test before it is there.
#pragma once

#include <condition_variable>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "core/inventory/inventory.hpp"
#include "core/ports/userfault.hpp"
#include "core/update/fake_ports_test.hpp"

namespace segue::update {

class FakeUserfault final : public ports::Userfault, Scripted {
public:
    FakeUserfault(Script& script, const std::string& side, const inventory::Inventory& inventory)
        : Scripted(script, side)
        , inventory_(inventory) {}

    Status check() override { return at("userfault check"); }
    Status begin(const std::vector<std::uint32_t>&) override { return at("userfault begin"); }
    Status discard(std::uint32_t block, std::uint64_t first, std::uint64_t n) override {
        SEGUE_TRY(at("userfault discard"));
        const std::lock_guard lock(mutex_);
        for (std::uint64_t page = first; page < first + n; ++page)
            absent_.insert({block, page});
        std::memset(inventory_.blocks()[block].base() + first * kPage, 0, n * kPage);
        return {};
    }
    Status arm() override {
        armed = true;
        return at("userfault arm");
    }
    int fd() const override { return event_.get(); }
    Result<std::size_t> read(std::span<ports::Fault> faults) override {
        SEGUE_TRY(at("userfault read"));
        const std::lock_guard lock(mutex_);
        std::size_t n = 0;
        for (; n < faults.size() && !raised_.empty(); ++n) {
            faults[n] = {raised_.back().first, 1, raised_.back().second};
            raised_.pop_back();
        }
        if (raised_.empty() && armed)
            sys::clear_event(event_.get());
        return n;
    }
    Status place(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                 std::span<const std::byte> bytes, std::uint64_t& placed) override {
        SEGUE_TRY(at("userfault place"));
        const std::lock_guard lock(mutex_);
        for (; placed < n; ++placed)
            if (absent_.erase({block, first + placed}) != 0)
                std::memcpy(inventory_.blocks()[block].base() + (first + placed) * kPage,
                            bytes.data() + placed * kPage, kPage);
        woken_.notify_all();
        return {};
    }
    Status place_zeros(std::uint32_t block, std::uint64_t first, std::uint64_t n) override {
        SEGUE_TRY(at("userfault zeros"));
        const std::lock_guard lock(mutex_);
        for (std::uint64_t i = 0; i < n; ++i)
            absent_.erase({block, first + i});
        woken_.notify_all();
        return {};
    }
    void wake(std::uint32_t, std::uint64_t, std::uint64_t) noexcept override {
        woken_.notify_all();
    }
    void disarm() noexcept override {
        const std::lock_guard lock(mutex_);
        armed = false;
        absent_.clear();
        woken_.notify_all();
        sys::signal_event(event_.get());
    }
    // What a vCPU does: the first byte of the page, once it is there.
    std::byte touch(std::uint32_t block, std::uint64_t page) {
        std::unique_lock lock(mutex_);
        if (absent_.count({block, page}) != 0) {
            raised_.emplace_back(block, page);
            sys::signal_event(event_.get());
        }
        woken_.wait(lock, [&] { return absent_.count({block, page}) == 0; });
        return inventory_.blocks()[block].base()[page * kPage];
    }
    std::atomic<bool> armed = false;

private:
    static constexpr std::uint64_t kPage = 4096;
    const inventory::Inventory& inventory_;
    UniqueFd event_ = sys::event().value();
    std::mutex mutex_;
    std::condition_variable woken_;
    std::set<std::pair<std::uint32_t, std::uint64_t>> absent_;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> raised_;
};

} // namespace segue::update

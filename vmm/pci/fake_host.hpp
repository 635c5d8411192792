// SPDX-License-Identifier: Apache-2.0
// fake_host.hpp - a machine that notes its interrupts, for tests.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include <segue/cpp/sys.hpp>

#include "vmm/pci/host.hpp"

namespace segue::vmm::pci {

class FakeHost final : public Host {
public:
    explicit FakeHost(MmioBus& bus)
        : bus_(bus) {}

    MmioBus& mmio() override { return bus_; }
    Result<std::unique_ptr<MsiLine>> new_msi_line() override {
        return std::unique_ptr<MsiLine>(new Line(*this));
    }
    void commit_routes() noexcept override {
        const std::lock_guard lock(mutex_);
        ++commits_;
        for (const auto& [line, message] : set_)
            live_[line] = message;
    }
    void set_intx(unsigned slot, bool level) noexcept override {
        const std::lock_guard lock(mutex_);
        intx_[slot] = level;
    }
    Status add_doorbell(std::uint64_t address, int event) override {
        const std::lock_guard lock(mutex_);
        if (!doorbells_.emplace(address, event).second)
            return Error(Code::Exists, "doorbell");
        return {};
    }
    void remove_doorbell(std::uint64_t address, int) noexcept override {
        const std::lock_guard lock(mutex_);
        doorbells_.erase(address);
    }

    // The data of each message that was sent, in order, since the last take().
    std::vector<std::uint32_t> take() {
        const std::lock_guard lock(mutex_);
        hear_lines();
        return std::exchange(sent_, {});
    }
    std::size_t sent(std::uint32_t data) const {
        const std::lock_guard lock(mutex_);
        hear_lines();
        return static_cast<std::size_t>(std::count(sent_.begin(), sent_.end(), data));
    }
    // How many of them others than raise() have sent.
    std::size_t sent_by_others() const {
        const std::lock_guard lock(mutex_);
        hear_lines();
        return by_others_;
    }
    int commits() const {
        const std::lock_guard lock(mutex_);
        return commits_;
    }
    bool intx(unsigned slot) const {
        const std::lock_guard lock(mutex_);
        const auto at = intx_.find(slot);
        return at != intx_.end() && at->second;
    }
    std::map<std::uint64_t, int> doorbells() const {
        const std::lock_guard lock(mutex_);
        return doorbells_;
    }

private:
    class Line final : public MsiLine {
    public:
        explicit Line(FakeHost& host)
            : host_(host)
            , event_(sys::event().value()) {}
        void route(const MsiMessage& message) noexcept override {
            const std::lock_guard lock(host_.mutex_);
            host_.set_[this] = message;
        }
        // Without a committed route it is lost, as in KVM.
        void raise() noexcept override {
            const std::lock_guard lock(host_.mutex_);
            if (const auto at = host_.live_.find(this); at != host_.live_.end())
                host_.sent_.push_back(at->second.data);
        }

        int event() const noexcept override { return event_.get(); }

    private:
        FakeHost& host_;
        UniqueFd event_;
    };
    // What others have signalled, as KVM sees it at once.
    void hear_lines() const {
        std::uint64_t n = 0;
        for (const auto& [line, message] : live_)
            if (::read(line->event(), &n, sizeof n) == sizeof n)
                sent_.push_back(message.data), ++by_others_;
    }

    MmioBus& bus_;
    mutable std::mutex mutex_;
    std::map<const Line*, MsiMessage> set_, live_;
    mutable std::vector<std::uint32_t> sent_;
    mutable std::size_t by_others_ = 0;
    int commits_ = 0;
    std::map<unsigned, bool> intx_;
    std::map<std::uint64_t, int> doorbells_;
};

} // namespace segue::vmm::pci

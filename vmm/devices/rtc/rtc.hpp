// SPDX-License-Identifier: Apache-2.0
// rtc.hpp - the PC's real-time clock with its NVRAM: an MC146818.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "vmm/devices/bus.hpp"
#include "vmm/devices/device.hpp"
#include "vmm/devices/irq_line.hpp"
#include "vmm/devices/rtc/registers.hpp"

namespace segue::vmm {

// Index and data at ports 0x70 and 0x71, IRQ 8. Shows the host's time, UTC, until the guest sets
// another; alarm and update-ended interrupt come from a thread that wakes each second while the
// guest has one of them on. There is no periodic interrupt. [any]
class Rtc final : public PortDevice, public ActiveDevice {
public:
    static constexpr std::uint16_t kPort = 0x70;
    static constexpr std::uint16_t kPorts = 2;
    static constexpr std::uint32_t kIrq = 8;
    using Clock = std::function<std::int64_t()>; // seconds since 1970

    explicit Rtc(IrqLine& line, Clock now = host_time);
    ~Rtc() override;

    void read(std::uint16_t port, std::span<std::byte> data) override;
    void write(std::uint16_t port, std::span<const std::byte> data) override;

    // Sets what flags have become due; the thread's work, once a second.
    void tick();

    DeviceId id() const override { return {"rtc", "", RtcState::kRevision}; }
    void save(state::Writer& section) const override;
    // What became due meanwhile is found by the next tick.
    Status load(const state::Section& section) override;
    // Time and NVRAM have a battery.
    void reset() noexcept override;
    Status settle(Deadline deadline) override;
    void activate() noexcept override;

    static std::int64_t host_time();

private:
    std::uint8_t read_data();
    void write_data(std::uint8_t value);
    void write_b(std::uint8_t value);
    void catch_up();
    void update_line();
    bool wants_ticks() const;
    void loop();

    IrqLine& line_;
    Clock now_;
    mutable std::mutex mutex_;
    RtcState s_;
    bool active_ = false, ends_ = false;
    std::condition_variable changed_;
    std::thread thread_;
};

} // namespace segue::vmm

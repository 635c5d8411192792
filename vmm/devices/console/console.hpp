// SPDX-License-Identifier: Apache-2.0
// console.hpp - carries bytes between a serial port and the world.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "vmm/devices/console/backend.hpp"
#include "vmm/devices/console/ring.hpp"
#include "vmm/devices/console/tty.hpp"
#include "vmm/devices/device.hpp"
#include "vmm/devices/serial/serial.hpp"

namespace segue::vmm {

// One thread does all reading and writing. Output never holds a vCPU up: it goes into 64 KiB, and
// where nobody reads, the oldest bytes give way. Input is read only as far as the port has room,
// so none is ever on its way here. What is not written yet travels with the guest.
class Console final : public ActiveDevice, public SerialPeer {
public:
    static Result<std::unique_ptr<Console>> create(ConsoleBackend backend);
    // Where it still is active, the guest ends here: writes what it can without waiting and gives a
    // terminal its settings back.
    ~Console() override;

    // Before the first activate().
    void attach(Serial& port) { port_ = &port; }
    const ConsoleConfig& config() const { return backend_.config; }

    void transmitted(std::uint8_t byte) noexcept override;
    void room() noexcept override;

    DeviceId id() const override { return {"console", "com1", 1}; }
    void save(state::Writer& section) const override;
    Status load(const state::Section& section) override;
    void reset() noexcept override {} // what the guest wrote before still is to be seen
    Status settle(Deadline deadline) override;
    void activate() noexcept override;

private:
    enum class Mode { Parked, Active, Quit };
    Console(ConsoleBackend backend, UniqueFd wake);
    void loop();
    bool wait_for_work();
    void take_input();
    bool write_output();

    ConsoleBackend backend_;
    UniqueFd wake_;
    Serial* port_ = nullptr;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Mode mode_ = Mode::Parked;
    bool polling_ = false; // the thread uses the descriptors
    bool in_open_ = true;
    mutable ByteRing out_;
    RawTerminal terminal_;
    std::thread thread_;
};

} // namespace segue::vmm

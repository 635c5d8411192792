// SPDX-License-Identifier: Apache-2.0
// serial.hpp - a 16550A serial port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "vmm/devices/bus.hpp"
#include "vmm/devices/device.hpp"
#include "vmm/devices/irq_line.hpp"
#include "vmm/devices/serial/state.hpp"

namespace segue::vmm {

// The other end of the wire. Called with the port's lock held: must not call back, nor wait.
class SerialPeer {
public:
    virtual ~SerialPeer() = default;
    SerialPeer(const SerialPeer&) = delete;
    SerialPeer& operator=(const SerialPeer&) = delete;

    virtual void transmitted(std::uint8_t byte) noexcept = 0;
    // receive() has room again after it had none.
    virtual void room() noexcept = 0;

protected:
    SerialPeer() = default;
};

// Eight ports at 0x3f8, IRQ 4. A byte leaves at once, whatever the baud rate; a FIFO of 16 holds
// what comes in, 1 with FIFOs off. The timeout interrupt comes at once, too. [any]
class Serial final : public PortDevice, public Device {
public:
    static constexpr std::uint16_t kPort = 0x3f8;
    static constexpr std::uint16_t kPorts = 8;
    static constexpr std::uint32_t kIrq = 4;

    Serial(SerialPeer& peer, IrqLine& line)
        : peer_(peer)
        , line_(line) {}

    void read(std::uint16_t port, std::span<std::byte> data) override;
    void write(std::uint16_t port, std::span<const std::byte> data) override;

    // Takes as many bytes as there is room for; says how many.
    std::size_t receive(std::span<const std::byte> bytes);
    std::size_t receive_room() const;

    DeviceId id() const override { return {"serial", "com1", SerialState::kRevision}; }
    void save(state::Writer& section) const override;
    // The wire's level came with the interrupt chips' state, so it is not driven again: on an edge
    // pin that would be one interrupt too many.
    Status load(const state::Section& section) override;
    void reset() noexcept override;

private:
    std::uint8_t read_register(unsigned r);
    void write_register(unsigned r, std::uint8_t value);
    void write_fcr(std::uint8_t value);
    void push(std::uint8_t byte);
    std::uint8_t pop();
    std::size_t room() const;
    std::uint8_t pending_interrupt() const; // IIR bits 0-3
    void update_line();

    SerialPeer& peer_;
    IrqLine& line_;
    mutable std::mutex mutex_;
    SerialState s_;
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// Source: National Semiconductor PC16550D data sheet, section 8.
#include "vmm/devices/serial/serial.hpp"

#include <algorithm>

namespace segue::vmm {

namespace {

enum Register : unsigned { Data, Ier, IirFcr, Lcr, Mcr, Lsr, Msr, Scr };

constexpr std::uint8_t kIerReceived = 1, kIerThrEmpty = 2, kIerLineStatus = 4;
constexpr std::uint8_t kIirNone = 1, kIirThrEmpty = 2, kIirReceived = 4, kIirLineStatus = 6,
                       kIirTimeout = 12, kIirFifos = 0xc0;
constexpr std::uint8_t kFcrEnable = 1, kFcrClearReceiver = 2, kFcrTrigger = 0xc0;
constexpr std::uint8_t kLcrDivisor = 0x80;
constexpr std::uint8_t kMcrLoop = 0x10;
constexpr std::uint8_t kLsrData = 1, kLsrOverrun = 2, kLsrEmpty = 0x60;
constexpr std::uint8_t kMsrReady = 0xb0; // carrier, data set ready, clear to send

} // namespace

void Serial::read(std::uint16_t port, std::span<std::byte> data) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = std::byte{read_register(static_cast<unsigned>(port + i))};
}

void Serial::write(std::uint16_t port, std::span<const std::byte> data) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < data.size(); ++i)
        write_register(static_cast<unsigned>(port + i), std::to_integer<std::uint8_t>(data[i]));
}

std::uint8_t Serial::read_register(unsigned r) {
    const bool divisor = (s_.lcr & kLcrDivisor) != 0;
    switch (r) {
    case Data:
        return divisor ? s_.dll : pop();
    case Ier:
        return divisor ? s_.dlm : s_.ier;
    case IirFcr: {
        const std::uint8_t iir = pending_interrupt();
        if (iir == kIirThrEmpty)
            s_.thr_interrupt = false;
        update_line();
        return iir | ((s_.fcr & kFcrEnable) != 0 ? kIirFifos : 0);
    }
    case Lcr:
        return s_.lcr;
    case Mcr:
        return s_.mcr;
    case Lsr: {
        const std::uint8_t lsr = s_.lsr | kLsrEmpty | (s_.received_count != 0 ? kLsrData : 0);
        s_.lsr = 0; // reading clears the error
        update_line();
        return lsr;
    }
    case Msr: // in loop mode the four outputs come back as inputs
        if ((s_.mcr & kMcrLoop) != 0)
            return static_cast<std::uint8_t>(((s_.mcr & 2) << 3) | ((s_.mcr & 1) << 5) |
                                             ((s_.mcr & 4) << 4) | ((s_.mcr & 8) << 4));
        return kMsrReady;
    default:
        return s_.scr;
    }
}

void Serial::write_register(unsigned r, std::uint8_t value) {
    const bool divisor = (s_.lcr & kLcrDivisor) != 0;
    switch (r) {
    case Data:
        if (divisor) {
            s_.dll = value;
            return;
        }
        if ((s_.mcr & kMcrLoop) != 0)
            push(value);
        else
            peer_.transmitted(value);
        // Full for no time: the wire falls, then rises, which an edge-triggered pin must see.
        s_.thr_interrupt = false;
        update_line();
        s_.thr_interrupt = true;
        break;
    case Ier:
        if (divisor) {
            s_.dlm = value;
            return;
        }
        // Enabling it while the transmitter is empty, which it always is, raises it.
        if ((value & ~s_.ier & kIerThrEmpty) != 0)
            s_.thr_interrupt = true;
        s_.ier = value & 0x0f;
        break;
    case IirFcr:
        write_fcr(value);
        break;
    case Lcr:
        s_.lcr = value;
        return;
    case Mcr:
        s_.mcr = value & 0x1f;
        return;
    case Scr:
        s_.scr = value;
        return;
    default: // LSR and MSR are read-only
        return;
    }
    update_line();
}

void Serial::write_fcr(std::uint8_t value) {
    const bool had_room = room() != 0;
    // Switching FIFOs on or off empties them, as does the clear bit.
    if (((value ^ s_.fcr) & kFcrEnable) != 0 || (value & kFcrClearReceiver) != 0)
        s_.received_count = 0;
    s_.fcr = (value & kFcrEnable) != 0 ? value & (kFcrEnable | kFcrTrigger) : 0;
    if (!had_room && room() != 0)
        peer_.room();
}

std::size_t Serial::room() const {
    const std::size_t depth = (s_.fcr & kFcrEnable) != 0 ? SerialState::kFifo : 1;
    return depth - std::min<std::size_t>(depth, s_.received_count);
}

void Serial::push(std::uint8_t byte) {
    if (room() == 0)
        s_.lsr |= kLsrOverrun;
    else
        s_.received[s_.received_count++] = byte;
}

std::uint8_t Serial::pop() {
    if (s_.received_count == 0)
        return 0;
    const bool had_room = room() != 0;
    const std::uint8_t byte = s_.received[0];
    std::copy(s_.received.begin() + 1, s_.received.begin() + s_.received_count,
              s_.received.begin());
    --s_.received_count;
    if (!had_room)
        peer_.room();
    update_line();
    return byte;
}

std::size_t Serial::receive(std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    const std::size_t n = std::min(bytes.size(), room());
    for (const std::byte b : bytes.first(n))
        push(std::to_integer<std::uint8_t>(b));
    update_line();
    return n;
}

std::size_t Serial::receive_room() const {
    const std::lock_guard lock(mutex_);
    return room();
}

std::uint8_t Serial::pending_interrupt() const {
    static constexpr std::uint8_t kTriggers[] = {1, 4, 8, 14};
    if ((s_.ier & kIerLineStatus) != 0 && s_.lsr != 0)
        return kIirLineStatus;
    if ((s_.ier & kIerReceived) != 0 && s_.received_count != 0)
        return s_.received_count >= kTriggers[s_.fcr >> 6] ? kIirReceived : kIirTimeout;
    if ((s_.ier & kIerThrEmpty) != 0 && s_.thr_interrupt)
        return kIirThrEmpty;
    return kIirNone;
}

void Serial::update_line() {
    const bool level = pending_interrupt() != kIirNone;
    if (level != s_.line) {
        s_.line = level;
        line_.set(level);
    }
}

void Serial::save(state::Writer& section) const {
    const std::lock_guard lock(mutex_);
    s_.write(section);
}

Status Serial::load(const state::Section& section) {
    SEGUE_ASSIGN(const SerialState loaded, SerialState::read(section));
    const std::lock_guard lock(mutex_);
    s_ = loaded;
    return {};
}

void Serial::reset() noexcept {
    const std::lock_guard lock(mutex_);
    const bool was = s_.line;
    s_ = SerialState();
    if (was)
        line_.set(false);
    peer_.room();
}

} // namespace segue::vmm

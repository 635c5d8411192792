// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/acpi_pm/acpi_pm.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint16_t kPowerButton = 1 << 8; // in status and enable
constexpr std::uint16_t kWake = 1 << 15;       // in status
// A guest reads back whether it could enable an event, also one that never comes.
constexpr std::uint16_t kEnableBits = kPowerButton | 1 << 0 /*timer*/ | 1 << 5 /*global lock*/ |
                                      1 << 9 /*sleep button*/ | 1 << 10 /*RTC*/;
constexpr std::uint16_t kSciEnabled = 1 << 0; // in control; read-only without an SMI command
constexpr std::uint16_t kSleep = 1 << 13;     // write-only
constexpr unsigned kSleepTypeAt = 10;
constexpr std::uint16_t kControlBits = 7 << kSleepTypeAt | 1 << 1 /*bus master reload*/;

std::uint16_t with_byte(std::uint16_t old, bool high, std::uint8_t value) {
    return static_cast<std::uint16_t>(high ? (old & 0xff) | value << 8 : (old & 0xff00) | value);
}

} // namespace

std::uint8_t AcpiPm::read_byte(unsigned at) const {
    const std::uint16_t registers[] = {s_.pm1_status, s_.pm1_enable,
                                       static_cast<std::uint16_t>(s_.pm1_control | kSciEnabled)};
    return static_cast<std::uint8_t>(registers[at / 2] >> at % 2 * 8);
}

// `act`: what the write asks for, if it does.
void AcpiPm::write_byte(unsigned at, std::uint8_t value, std::optional<GuestEvent::Kind>& act) {
    const bool high = at % 2 != 0;
    if (at / 2 == 0) { // ones clear
        s_.pm1_status &= static_cast<std::uint16_t>(~with_byte(0, high, value));
    } else if (at / 2 == 1) {
        s_.pm1_enable = with_byte(s_.pm1_enable, high, value) & kEnableBits;
    } else {
        const std::uint16_t written = with_byte(s_.pm1_control, high, value);
        s_.pm1_control = written & kControlBits;
        const unsigned type = written >> kSleepTypeAt & 7;
        if ((written & kSleep) != 0 && type == kSoftOff)
            act = GuestEvent::Kind::Shutdown;
        if ((written & kSleep) != 0 && type == kSuspend)
            act = GuestEvent::Kind::Suspend;
    }
}

void AcpiPm::read(std::uint16_t port, std::span<std::byte> data) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = std::byte{read_byte(port + static_cast<unsigned>(i))};
}

void AcpiPm::write(std::uint16_t port, std::span<const std::byte> data) {
    std::optional<GuestEvent::Kind> act;
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < data.size(); ++i)
            write_byte(port + static_cast<unsigned>(i), std::to_integer<std::uint8_t>(data[i]),
                       act);
        update_line();
    }
    if (!act)
        return;
    GuestEvent event;
    event.kind = *act;
    events_.guest_event(event);
}

Status AcpiPm::press_power_button() {
    const std::lock_guard lock(mutex_);
    if ((s_.pm1_enable & kPowerButton) == 0)
        return Error(Code::Refused, "the guest does not listen to its power button")
            .way_out("wait until it has booted, or end it at once with --force");
    s_.pm1_status |= kPowerButton;
    update_line();
    return {};
}

// 4.8.3.1: the status of what woke it, and that it was woken.
void AcpiPm::wake() {
    const std::lock_guard lock(mutex_);
    s_.pm1_status |= kWake | kPowerButton;
    update_line();
}

void AcpiPm::update_line() {
    const bool level = (s_.pm1_status & s_.pm1_enable) != 0;
    if (level != s_.line) {
        s_.line = level;
        sci_.set(level);
    }
}

void AcpiPm::save(state::Writer& section) const {
    const std::lock_guard lock(mutex_);
    s_.write(section);
}

Status AcpiPm::load(const state::Section& section) {
    SEGUE_ASSIGN(const AcpiPmState loaded, AcpiPmState::read(section));
    const std::lock_guard lock(mutex_);
    s_ = loaded;
    return {};
}

void AcpiPm::reset() noexcept {
    const std::lock_guard lock(mutex_);
    s_.pm1_status = s_.pm1_enable = s_.pm1_control = 0;
    update_line();
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// registers.hpp - a time in the registers of an MC146818, and back.
// Source: Motorola MC146818A data sheet; the century's place is the FADT's.
#pragma once

#include <array>
#include <cstdint>

#include "vmm/devices/rtc/state.hpp"

namespace segue::vmm::rtc {

enum Register : std::uint8_t {
    Seconds = 0,
    SecondsAlarm = 1,
    Minutes = 2,
    MinutesAlarm = 3,
    Hours = 4,
    HoursAlarm = 5,
    DayOfWeek = 6,
    DayOfMonth = 7,
    Month = 8,
    Year = 9,
    A = 10,
    B = 11,
    C = 12,
    D = 13,
    Century = 0x32
};

inline constexpr std::uint8_t kSet = 0x80, kAlarmOn = 0x20, kUpdateOn = 0x10, kBinary = 0x04,
                              k24Hours = 0x02;                                   // in B
inline constexpr std::uint8_t kInterrupt = 0x80, kAlarm = 0x20, kUpdated = 0x10; // in C

using Cmos = std::array<std::uint8_t, RtcState::kBytes>;

bool is_time(unsigned at);
// `time` in seconds since 1970, UTC; in the form that register B says.
void show(std::int64_t time, Cmos& cmos);
// Any bytes give some time.
std::int64_t shown(const Cmos& cmos);
// The alarm's bytes are those of the time that `cmos` shows, or do not care.
bool alarm_matches(const Cmos& cmos);

} // namespace segue::vmm::rtc

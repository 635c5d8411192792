// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/rtc/registers.hpp"

#include <time.h>

#include <initializer_list>

namespace segue::vmm::rtc {

namespace {

constexpr std::uint8_t kAfternoon = 0x80; // of the hour, with 12 hours

std::uint8_t encode(int value, std::uint8_t b) {
    return static_cast<std::uint8_t>((b & kBinary) != 0 ? value : value / 10 << 4 | value % 10);
}

int decode(std::uint8_t value, std::uint8_t b) {
    return (b & kBinary) != 0 ? value : (value >> 4) * 10 + (value & 0xf);
}

std::uint8_t encode_hour(int hour, std::uint8_t b) {
    if ((b & k24Hours) != 0)
        return encode(hour, b);
    const std::uint8_t shown = encode(hour % 12 == 0 ? 12 : hour % 12, b);
    return hour < 12 ? shown : shown | kAfternoon;
}

int decode_hour(std::uint8_t value, std::uint8_t b) {
    if ((b & k24Hours) != 0)
        return decode(value, b);
    const int hour = decode(value & 0x7f, b) % 12;
    return (value & kAfternoon) != 0 ? hour + 12 : hour;
}

} // namespace

bool is_time(unsigned at) {
    return at == Century || at == Seconds || at == Minutes || at == Hours ||
           (at >= DayOfWeek && at <= Year);
}

void show(std::int64_t time, Cmos& cmos) {
    const time_t seconds = time;
    struct tm t = {};
    ::gmtime_r(&seconds, &t);
    const std::uint8_t b = cmos[B];
    const int year = t.tm_year + 1900;
    cmos[Seconds] = encode(t.tm_sec, b);
    cmos[Minutes] = encode(t.tm_min, b);
    cmos[Hours] = encode_hour(t.tm_hour, b);
    cmos[DayOfWeek] = encode(t.tm_wday + 1, b);
    cmos[DayOfMonth] = encode(t.tm_mday, b);
    cmos[Month] = encode(t.tm_mon + 1, b);
    cmos[Year] = encode(year % 100, b);
    cmos[Century] = encode(year / 100 % 100, b);
}

std::int64_t shown(const Cmos& cmos) {
    const std::uint8_t b = cmos[B];
    struct tm t = {};
    t.tm_sec = decode(cmos[Seconds], b);
    t.tm_min = decode(cmos[Minutes], b);
    t.tm_hour = decode_hour(cmos[Hours], b);
    t.tm_mday = decode(cmos[DayOfMonth], b);
    t.tm_mon = decode(cmos[Month], b) - 1;
    t.tm_year = decode(cmos[Century], b) * 100 + decode(cmos[Year], b) - 1900;
    return ::timegm(&t);
}

bool alarm_matches(const Cmos& cmos) {
    constexpr std::uint8_t any = 0xc0;
    for (const unsigned at : {Seconds, Minutes, Hours})
        if ((cmos[at + 1] & any) != any && cmos[at + 1] != cmos[at])
            return false;
    return true;
}

} // namespace segue::vmm::rtc

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/rtc/rtc.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

namespace segue::vmm {

namespace {

using namespace rtc;

constexpr std::uint8_t kRate = 0x26;  // A: 32.768 kHz, 1024 Hz; never "update in progress"
constexpr std::uint8_t kValid = 0x80; // D: the battery is good
constexpr std::int64_t kDay = 86400;  // within which every alarm comes once

} // namespace

std::int64_t Rtc::host_time() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

Rtc::Rtc(IrqLine& line, Clock now)
    : line_(line)
    , now_(std::move(now)) {
    s_.cmos[A] = kRate;
    s_.cmos[B] = k24Hours;
    s_.cmos[D] = kValid;
    s_.seen = now_();
    thread_ = std::thread([this] { loop(); });
}

Rtc::~Rtc() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Rtc::read(std::uint16_t port, std::span<std::byte> data) {
    const std::lock_guard lock(mutex_);
    for (std::byte& b : data)
        b = port++ == 0 ? std::byte{s_.index} : std::byte{read_data()};
}

void Rtc::write(std::uint16_t port, std::span<const std::byte> data) {
    const std::lock_guard lock(mutex_);
    for (const std::byte b : data) {
        const auto value = std::to_integer<std::uint8_t>(b);
        if (port++ == 0)
            s_.index = value & 0x7f; // bit 7 masks NMI, of which there are none
        else
            write_data(value);
    }
    changed_.notify_all();
}

std::uint8_t Rtc::read_data() {
    if (is_time(s_.index) && (s_.cmos[B] & kSet) == 0)
        show(now_() + s_.offset, s_.cmos);
    if (s_.index != C)
        return s_.cmos[s_.index];
    catch_up();
    const std::uint8_t flags = s_.cmos[C];
    s_.cmos[C] = 0; // reading clears
    update_line();
    return flags;
}

void Rtc::write_data(std::uint8_t value) {
    if (s_.index == C || s_.index == D)
        return;
    if (s_.index == A) {
        s_.cmos[A] = value & 0x7f;
    } else if (s_.index == B) {
        write_b(value);
    } else if (is_time(s_.index) && (s_.cmos[B] & kSet) == 0) {
        const std::int64_t now = now_();
        show(now + s_.offset, s_.cmos);
        s_.cmos[s_.index] = value;
        s_.offset = shown(s_.cmos) - now;
    } else {
        s_.cmos[s_.index] = value;
    }
}

// While SET is on the time stands still, and is what the guest writes.
void Rtc::write_b(std::uint8_t value) {
    catch_up();
    const std::int64_t now = now_();
    const bool was_set = (s_.cmos[B] & kSet) != 0;
    if ((value & kSet) != 0) {
        if (!was_set)
            show(now + s_.offset, s_.cmos);
        value &= static_cast<std::uint8_t>(~kUpdateOn);
    }
    s_.cmos[B] = value;
    if (was_set && (value & kSet) == 0) {
        s_.offset = shown(s_.cmos) - now;
        s_.seen = now;
    }
    update_line();
}

// Flags of the seconds that have begun since the last look.
void Rtc::catch_up() {
    const std::int64_t now = now_();
    const std::int64_t first = std::max(s_.seen + 1, now - kDay);
    if ((s_.cmos[B] & kSet) == 0) {
        Cmos then = s_.cmos;
        for (std::int64_t second = first; second <= now; ++second) {
            show(second + s_.offset, then);
            s_.cmos[C] |= alarm_matches(then) ? kUpdated | kAlarm : kUpdated;
        }
    }
    s_.seen = now; // also where the host's clock was set back
}

void Rtc::update_line() {
    const std::uint8_t due = s_.cmos[C] & s_.cmos[B] & (kAlarm | kUpdated);
    s_.cmos[C] =
        static_cast<std::uint8_t>((s_.cmos[C] & ~kInterrupt) | (due != 0 ? kInterrupt : 0));
    if ((due != 0) != s_.line) {
        s_.line = due != 0;
        line_.set(s_.line);
    }
}

bool Rtc::wants_ticks() const {
    return (s_.cmos[B] & (kAlarmOn | kUpdateOn)) != 0 && (s_.cmos[B] & kSet) == 0;
}

void Rtc::tick() {
    const std::lock_guard lock(mutex_);
    catch_up();
    update_line();
}

void Rtc::loop() {
    (void)::pthread_setname_np(::pthread_self(), "rtc");
    sigset_t all;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGBUS);
    (void)::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::unique_lock lock(mutex_);
    while (!ends_) {
        if (!active_ || !wants_ticks()) {
            changed_.wait(lock);
            continue;
        }
        catch_up();
        update_line();
        const auto next = std::chrono::system_clock::time_point(std::chrono::seconds(now_() + 1));
        (void)changed_.wait_until(lock, next);
    }
}

Status Rtc::settle(Deadline) {
    const std::lock_guard lock(mutex_);
    active_ = false;
    return {};
}

void Rtc::activate() noexcept {
    {
        const std::lock_guard lock(mutex_);
        active_ = true;
    }
    changed_.notify_all();
}

void Rtc::save(state::Writer& section) const {
    const std::lock_guard lock(mutex_);
    s_.write(section);
}

Status Rtc::load(const state::Section& section) {
    SEGUE_ASSIGN(const RtcState loaded, RtcState::read(section));
    const std::lock_guard lock(mutex_);
    s_ = loaded;
    return {};
}

void Rtc::reset() noexcept {
    const std::lock_guard lock(mutex_);
    s_.index = 0;
    s_.cmos[C] = 0;
    s_.cmos[B] &= static_cast<std::uint8_t>(~(kAlarmOn | kUpdateOn | kSet));
    update_line();
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/console/console.hpp"

#include <signal.h>

#include <algorithm>
#include <array>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::size_t kOutput = 64 << 10; // bytes
constexpr std::size_t kPiece = 512;       // of one write

} // namespace

Result<std::unique_ptr<Console>> Console::create(ConsoleBackend backend) {
    SEGUE_ASSIGN(UniqueFd wake, sys::event());
    return std::unique_ptr<Console>(new Console(std::move(backend), std::move(wake)));
}

Console::Console(ConsoleBackend backend, UniqueFd wake)
    : backend_(std::move(backend))
    , wake_(std::move(wake))
    , out_(kOutput) {
    thread_ = std::thread([this] { loop(); });
}

Console::~Console() {
    bool last = false;
    {
        const std::lock_guard lock(mutex_);
        last = mode_ == Mode::Active;
        mode_ = Mode::Quit;
    }
    changed_.notify_all();
    sys::signal_event(wake_.get());
    thread_.join();
    if (!last)
        return;
    pollfd p = {backend_.out, POLLOUT, 0};
    while (!out_.empty() && ::poll(&p, 1, 0) == 1 && write_output())
        continue;
    terminal_.leave(backend_.in);
}

void Console::transmitted(std::uint8_t byte) noexcept {
    if (backend_.out < 0)
        return;
    const std::lock_guard lock(mutex_);
    if (out_.empty() && mode_ == Mode::Active)
        sys::signal_event(wake_.get());
    out_.push(std::byte{byte});
}

void Console::room() noexcept {
    sys::signal_event(wake_.get());
}

void Console::loop() {
    (void)::pthread_setname_np(::pthread_self(), "console");
    sigset_t all;
    ::sigfillset(&all);
    (void)::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    while (wait_for_work()) {
        const std::size_t room = in_open_ && backend_.in >= 0 ? port_->receive_room() : 0;
        bool pending = false;
        {
            const std::lock_guard lock(mutex_);
            pending = !out_.empty();
        }
        // A negative descriptor is left out by poll(2).
        pollfd p[] = {{wake_.get(), POLLIN, 0},
                      {room != 0 ? backend_.in : -1, POLLIN, 0},
                      {pending ? backend_.out : -1, POLLOUT, 0}};
        if (::poll(p, 3, -1) <= 0)
            continue;
        if (p[0].revents != 0)
            sys::clear_event(wake_.get());
        if (p[1].revents != 0)
            take_input();
        if (p[2].revents != 0)
            (void)write_output();
    }
}

// Parks the thread while the console is not active; false at the end.
bool Console::wait_for_work() {
    std::unique_lock lock(mutex_);
    if (mode_ != Mode::Active) {
        polling_ = false;
        changed_.notify_all();
        changed_.wait(lock, [&] { return mode_ != Mode::Parked; });
    }
    polling_ = mode_ == Mode::Active;
    return polling_;
}

void Console::take_input() {
    std::byte bytes[SerialState::kFifo];
    {
        const std::lock_guard lock(mutex_);
        if (mode_ != Mode::Active)
            return;
    }
    const std::size_t room = std::min(sizeof bytes, port_->receive_room());
    const auto n = room != 0 ? ::read(backend_.in, bytes, room) : -1;
    if (n == 0 || (n < 0 && room != 0 && errno != EAGAIN && errno != EINTR))
        in_open_ = false; // end of file, or the terminal has gone
    if (n > 0)
        (void)port_->receive(std::span(bytes).first(static_cast<std::size_t>(n)));
}

// The lock is not held while writing: a slow disk may hold this thread, never a vCPU. False where
// nothing was written.
bool Console::write_output() {
    std::array<std::byte, kPiece> piece;
    std::size_t bytes = 0;
    {
        const std::lock_guard lock(mutex_);
        const auto front = out_.front();
        bytes = std::min(front.size(), piece.size());
        std::copy_n(front.begin(), bytes, piece.begin());
        out_.pop(bytes);
    }
    const auto n = sys::retry([&] { return ::write(backend_.out, piece.data(), bytes); });
    if (n < 0 && errno != EAGAIN)
        return false; // nobody will ever read it
    const auto written = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    const std::lock_guard lock(mutex_);
    out_.give_back(std::span(piece).subspan(written, bytes - written));
    return written != 0;
}

void Console::save(state::Writer& section) const {
    const std::lock_guard lock(mutex_);
    section.put_bytes("output", out_.linear());
    section.put_bytes("terminal", terminal_.saved());
}

Status Console::load(const state::Section& section) {
    SEGUE_ASSIGN(const auto output, section.bytes("output"));
    SEGUE_ASSIGN(const auto terminal, section.bytes("terminal"));
    const std::lock_guard lock(mutex_);
    if (output.size() > kOutput)
        return Error(Code::Corrupt, "console: more than 64 KiB of output");
    SEGUE_TRY(terminal_.load(terminal));
    out_.clear();
    for (const std::byte b : output)
        out_.push(b);
    return {};
}

Status Console::settle(Deadline deadline) {
    std::unique_lock lock(mutex_);
    mode_ = Mode::Parked;
    sys::signal_event(wake_.get());
    const auto parked = [&] { return !polling_; };
    if (deadline.is_never())
        changed_.wait(lock, parked);
    else if (!changed_.wait_until(lock, deadline.at(), parked))
        return Error(Code::Deadline, "console: a write to it hangs (" + backend_.config.path + ")")
            .with("device", "console");
    return {};
}

void Console::activate() noexcept {
    {
        const std::lock_guard lock(mutex_);
        mode_ = Mode::Active;
        terminal_.enter(backend_.in);
    }
    changed_.notify_all();
    sys::signal_event(wake_.get());
}

} // namespace segue::vmm

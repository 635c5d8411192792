// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/barriers.hpp"

#include <array>

#include <gtest/gtest.h>
#include <segue/cpp/socket.hpp>
#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"
#include "core/base/wait.hpp"

namespace segue::fault {

Barriers::Barriers(std::string path)
    : path_(std::move(path))
    , listener_(listen_unix(path_, 0600).value())
    , stop_(sys::event().value())
    , thread_([this] { serve(); }) {}

Barriers::~Barriers() {
    sys::signal_event(stop_.get());
    thread_.join();
}

void Barriers::hold(const Edge& edge) {
    const std::lock_guard lock(mutex_);
    held_.insert(edge);
}

Result<pid_t> Barriers::reached(const Edge& edge, Deadline deadline) {
    std::unique_lock lock(mutex_);
    if (came_.wait_until(lock, deadline.at(), [&] { return waiting_.count(edge) != 0; }))
        return waiting_[edge].first;
    return Error(Code::Deadline, "nobody came to the edge '" + edge + "'");
}

void Barriers::release(const Edge& edge) {
    const std::lock_guard lock(mutex_);
    held_.erase(edge);
    waiting_.erase(edge);
}

void Barriers::serve() {
    const Waiter wait{Deadline::never(), stop_.get(), -1};
    while (wait.until(listener_.get(), POLLIN))
        if (auto caller = sys::unix_accept(listener_.get()))
            take(std::move(*caller));
}

// A caller says its edge in one short message, at once; a killed one says nothing.
void Barriers::take(UniqueFd caller) {
    std::array<char, 64> text = {};
    const Waiter wait{Deadline::in(std::chrono::seconds(10)), stop_.get(), -1};
    if (!wait.until(caller.get(), POLLIN))
        return;
    const auto n = ::recv(caller.get(), text.data(), text.size(), 0);
    const auto pid = sys::peer_pid(caller.get());
    if (n <= 0 || !pid)
        return;
    const Edge edge(text.data(), static_cast<std::size_t>(n));
    const std::lock_guard lock(mutex_);
    if (held_.count(edge) == 0)
        return;
    waiting_[edge] = {*pid, std::move(caller)};
    came_.notify_all();
}

} // namespace segue::fault

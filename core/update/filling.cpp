// SPDX-License-Identifier: Apache-2.0
#include "core/update/filling.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "core/update/runs.hpp"

namespace segue::update {

namespace {

constexpr std::size_t kFaults = 64; // read at a time

std::string name_of_thread(std::uint32_t thread) {
    std::string name;
    std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread) + "/comm"), name);
    return name.empty() ? "kernel" : name; // that of KVM's asynchronous page faults
}

} // namespace

std::uint64_t Filling::pages_of(std::uint32_t block) const {
    return std::uint64_t{1} << (inventory_.blocks()[block].page_shift - 12);
}

Status Filling::discard(std::uint32_t block, std::uint64_t first, std::uint64_t n) {
    const std::uint64_t whole = pages_of(block);
    const std::uint64_t from = first / whole * whole;
    const std::uint64_t to = (first + n + whole - 1) / whole * whole;
    SEGUE_TRY(port_.discard(block, from, to - from));
    received_[block].clear(from, to - from);
    return {};
}

std::uint64_t Filling::not_received() const {
    std::uint64_t pages = 0;
    for (const ReceivedMap& map : received_)
        pages += map.missing();
    return pages;
}

Status Filling::arm() {
    missing_ = not_received();
    if (missing_ == 0)
        return {};
    SEGUE_TRY(port_.arm());
    armed_ = true;
    return {};
}

// Who waits is written down before it is asked whether the page has come; take() does the two the
// other way round, so one of them sees the other.
Result<std::uint32_t> Filling::faults(std::span<segue_fault> room, const Waiter& wait) {
    std::array<ports::Fault, kFaults> raw;
    std::uint32_t n = tell(room);
    while (n == 0 && !over_ && armed_) {
        SEGUE_TRY(wait.until(port_.fd(), POLLIN));
        SEGUE_ASSIGN(const std::size_t came,
                     port_.read(std::span(raw).first(std::min(raw.size(), room.size()))));
        for (std::size_t i = 0; i < came; ++i) {
            if (note(raw[i], room[n])) {
                ++n;
                continue;
            }
            const std::uint64_t whole = pages_of(raw[i].block);
            if (!received_[raw[i].block].any(raw[i].page, 1))
                continue;
            Status s = settle(raw[i].block, raw[i].page / whole * whole, whole, true);
            if (!s && !over_) // else there are no missing pages any more
                return std::move(s).error();
        }
    }
    return over_ ? 0 : n;
}

void Filling::tell_again() {
    const std::lock_guard lock(mutex_);
    again_.clear();
    for (const auto& [key, waiting] : waiting_)
        if (again_.empty() || again_.back() != key)
            again_.push_back(key);
}

std::uint32_t Filling::tell(std::span<segue_fault> room) {
    const std::lock_guard lock(mutex_);
    std::uint32_t n = 0;
    for (; n < room.size() && !again_.empty(); again_.pop_back()) {
        const auto [block, first] = again_.back();
        if (waiting_.count(again_.back()) != 0)
            room[n++] = {block, static_cast<std::uint32_t>(pages_of(block)), first};
    }
    return n;
}

// False: it has come, or was told already.
bool Filling::note(const ports::Fault& fault, segue_fault& out) {
    const std::uint64_t whole = pages_of(fault.block);
    const std::uint64_t first = fault.page / whole * whole;
    const Key key{fault.block, first};
    const std::lock_guard lock(mutex_);
    const bool told = waiting_.count(key) != 0;
    waiting_.insert({key, {fault.thread, Clock::now()}});
    if (names_.count(fault.thread) == 0)
        names_[fault.thread] = name_of_thread(fault.thread);
    out = {fault.block, static_cast<std::uint32_t>(whole), first};
    return !told && !received_[fault.block].any(first, 1);
}

Status Filling::take(const segue_pages& pages, std::span<const std::byte> bytes) {
    const std::uint64_t whole = pages_of(pages.block);
    for (std::uint64_t at = pages.first; at < pages.first + pages.n;) {
        const std::uint64_t aligned = at / whole * whole;
        const std::uint64_t left = pages.first + pages.n - at;
        const auto here = bytes.empty() ? bytes : bytes.subspan((at - pages.first) * kPage);
        if (aligned != at || left < whole) { // some of one page
            const std::uint64_t n = std::min(left, aligned + whole - at);
            SEGUE_TRY(take_part(pages.block, at, n, here.first(here.empty() ? 0 : n * kPage)));
            at += n;
            continue;
        }
        const std::uint64_t n = left / whole * whole;
        if (!here.empty())
            SEGUE_TRY(port_.place(pages.block, at, n, here.first(n * kPage)));
        missing_ -= received_[pages.block].mark(at, n);
        SEGUE_TRY(settle(pages.block, at, n, here.empty()));
        at += n;
    }
    return {};
}

Status Filling::take_part(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                          std::span<const std::byte> bytes) {
    const std::uint64_t whole = pages_of(block);
    const std::uint64_t start = first / whole * whole;
    std::unique_lock lock(mutex_);
    auto at = parts_.find({block, start});
    if (at == parts_.end())
        at = parts_
                 .emplace(Key{block, start},
                          Part{std::vector<std::byte>(whole * kPage), ReceivedMap(whole)})
                 .first;
    Part& part = at->second;
    if (!bytes.empty())
        std::memcpy(part.bytes.data() + (first - start) * kPage, bytes.data(), bytes.size());
    part.come.mark(first - start, n);
    if (part.come.missing() != 0)
        return {};
    const Part all = std::move(part);
    parts_.erase(at);
    lock.unlock();
    SEGUE_TRY(port_.place(block, start, whole, all.bytes));
    missing_ -= received_[block].mark(start, whole);
    return settle(block, start, whole, false);
}

// Those pages have come: nobody waits for them any more.
Status Filling::settle(std::uint32_t block, std::uint64_t first, std::uint64_t n, bool zeros) {
    const std::uint64_t whole = pages_of(block);
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto at = waiting_.lower_bound({block, first});
        if (at == waiting_.end() || at->first >= Key{block, first + n})
            return {};
        const std::uint64_t page = at->first.second;
        const auto now = Clock::now();
        for (auto [i, end] = waiting_.equal_range(at->first); i != end; i = waiting_.erase(i))
            clock_.add(i->second.thread, now - i->second.since);
        lock.unlock();
        if (zeros)
            SEGUE_TRY(port_.place(block, page, whole, {}));
        port_.wake(block, page, whole);
        lock.lock();
    }
}

void Filling::disarm() noexcept {
    over_ = true;
    port_.disarm();
}

bool Filling::give_up() noexcept {
    const std::lock_guard lock(gate_);
    if (sealed_ && missing_ != 0)
        return false;
    disarm();
    return true;
}

Status Filling::seal() {
    const std::lock_guard lock(gate_);
    if (over_ && missing_ != 0)
        return Error(Code::Closed, "RAM that the guest needs could not be had");
    if (const std::uint64_t pages = not_received(); !armed_ && pages != 0)
        return Error(Code::Refused, std::to_string(pages) +
                                        " pages of RAM have not come, and nobody waits for them")
            .way_out("the mode plugin is at fault: use another mode and tell its author");
    sealed_ = true;
    return {};
}

report::FaultTimes Filling::times() const {
    const std::lock_guard lock(mutex_);
    return clock_.times(names_);
}

} // namespace segue::update

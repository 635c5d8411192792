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
    SEGUE_ASSIGN(std::uint32_t n, tell(room));
    while (n == 0 && !over_ && armed_) {
        SEGUE_TRY(wait.until(port_.fd(), POLLIN));
        SEGUE_ASSIGN(const std::size_t came,
                     port_.read(std::span(raw).first(std::min(raw.size(), room.size()))));
        const auto all = std::span(raw).first(came); // which nobody tells of a second time
        for (const ports::Fault& fault : all)
            n += note(fault, room[n]) ? 1 : 0;
        for (const ports::Fault& fault : all) {
            const std::uint64_t whole = pages_of(fault.block);
            if (!received_[fault.block].any(fault.page, 1))
                continue;
            Status s = settle(fault.block, fault.page / whole * whole, whole, true);
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

// What has come since, or could not be given to them when it came, is nothing to ask for.
Result<std::uint32_t> Filling::tell(std::span<segue_fault> room) {
    std::vector<Key> come;
    std::uint32_t n = 0;
    {
        const std::lock_guard lock(mutex_);
        for (; n < room.size() && !again_.empty(); again_.pop_back()) {
            const auto [block, first] = again_.back();
            if (waiting_.count(again_.back()) == 0)
                continue;
            if (received_[block].any(first, 1))
                come.push_back(again_.back());
            else
                room[n++] = {block, static_cast<std::uint32_t>(pages_of(block)), first};
        }
    }
    for (const auto& [block, first] : come)
        SEGUE_TRY(settle(block, first, pages_of(block), true));
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
        if (here.empty()) {
            missing_ -= received_[pages.block].mark(at, n);
            SEGUE_TRY(settle(pages.block, at, n, true));
        } else {
            SEGUE_TRY(put_new(pages.block, at, n, here.first(n * kPage)));
        }
        at += n;
    }
    return {};
}

Status Filling::put(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                    std::span<const std::byte> bytes) {
    std::uint64_t placed = 0;
    Status put = port_.place(block, first, n, bytes, placed);
    missing_ -= received_[block].mark(first, placed);
    Status settled = settle(block, first, placed, false);
    return put ? settled : put;
}

// A page that has come already is the guest's, who may have written it since.
Status Filling::put_new(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                        std::span<const std::byte> bytes) {
    const ReceivedMap& come = received_[block];
    if (!come.any(first, n))
        return put(block, first, n, bytes);
    const std::uint64_t whole = pages_of(block);
    for (std::uint64_t page = first; page < first + n; page += whole)
        if (!come.any(page, whole))
            SEGUE_TRY(
                put(block, page, whole, bytes.subspan((page - first) * kPage, whole * kPage)));
    return {};
}

Status Filling::take_part(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                          std::span<const std::byte> bytes) {
    const std::uint64_t whole = pages_of(block);
    const std::uint64_t start = first / whole * whole;
    if (received_[block].any(start, whole))
        return {};
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
    Part all = std::move(part);
    parts_.erase(at);
    lock.unlock();
    Status s = put(block, start, whole, all.bytes);
    if (!s) { // its last part may come again
        lock.lock();
        parts_.emplace(Key{block, start}, std::move(all));
    }
    return s;
}

// Those pages have come: nobody waits for them any more.
Status Filling::settle(std::uint32_t block, std::uint64_t first, std::uint64_t n, bool zeros) {
    const std::uint64_t whole = pages_of(block);
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto at = waiting_.lower_bound({block, first});
        if (at == waiting_.end() || at->first >= Key{block, first + n})
            return {};
        const Key key = at->first;
        lock.unlock();
        if (zeros)
            SEGUE_TRY(port_.place_zeros(block, key.second, whole));
        port_.wake(block, key.second, whole);
        lock.lock();
        const auto now = Clock::now();
        for (auto [i, end] = waiting_.equal_range(key); i != end; i = waiting_.erase(i))
            clock_.add(i->second.thread, now - i->second.since);
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

// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/kvm_dirty_log.hpp"

#include <algorithm>
#include <mutex>

#include "core/base/log.hpp"
#include "vmm/memory/slots.hpp"

namespace segue::vmm {

namespace {

// The bits [first, first + n) of a word that begins with bit `word` * 64.
std::uint64_t mask_of(std::uint64_t word, std::uint64_t first, std::uint64_t n) {
    const std::uint64_t from = std::max(first, word * 64), to = std::min(first + n, word * 64 + 64);
    return (~0ull >> (64 - (to - from))) << (from - word * 64);
}

// Sets the bits of `found`, which begins with page `at` of the caller's, which may be negative: in
// its first word are pages from before.
void put(std::uint64_t found, std::int64_t at, std::span<std::uint64_t> bits) {
    for (; found != 0; found &= found - 1) {
        const auto page = static_cast<std::uint64_t>(at + std::countr_zero(found));
        bits[page / 64] |= 1ull << page % 64;
    }
}

} // namespace

Status KvmDirtyLog::check() {
    SEGUE_TRY(log_.check());
    if (const std::string names = unseen_(); !names.empty())
        return Error(Code::Refused, "nobody sees what these devices write to guest RAM: " + names)
            .way_out("use a mode that leaves RAM in place, or configure them otherwise")
            .with("device", names);
    return {};
}

Status KvmDirtyLog::start() {
    SEGUE_TRY(check());
    const std::unique_lock lock(mutex_);
    if (!pending_.empty())
        return Error(Code::Exists, "the dirty log is on already");
    SEGUE_TRY(log_.start());
    guest_stopped_ = all_found_ = false;
    for (const HostRegion& r : ram_.regions()) {
        PageBits& all = pending_.emplace_back(r.ram.bytes / kPageBytes);
        all.set(0, all.pages());
    }
    // First: the slots take grace periods, in which every write that was not marked has reached
    // RAM.
    ram_.written().on();
    Status s = log_slots(vm_, ram_, true);
    if (s)
        return s;
    ram_.written().off();
    pending_.clear();
    (void)log_slots(vm_, ram_, false).ok();
    return s;
}

void KvmDirtyLog::stop() noexcept {
    const std::unique_lock lock(mutex_);
    if (pending_.empty())
        return;
    ram_.written().off();
    pending_.clear();
    if (const Status s = log_slots(vm_, ram_, false); !s)
        log::warn("the dirty log stays on: " + s.error().what());
}

Status KvmDirtyLog::not_started() const {
    return pending_.empty() ? Error(Code::Phase, "the dirty log is not on") : Status();
}

Result<std::uint64_t> KvmDirtyLog::look() {
    const std::shared_lock lock(mutex_);
    SEGUE_TRY(not_started());
    // Nothing protects the pages of a guest that stands still again, so KVM would tell of them
    // again.
    if (!all_found_)
        SEGUE_TRY(log_.find(pending_));
    all_found_ = guest_stopped_.load();
    std::uint64_t pages = 0;
    for (std::uint32_t region = 0; region < pending_.size(); ++region) {
        PageBits& to = pending_[region];
        for (std::size_t w = 0; w < to.words(); ++w)
            to.set_word(w, ram_.written().take(region, w));
        pages += to.count();
    }
    return pages;
}

// Of region `region`, [first, first + n); room for the words that hold them.
Status KvmDirtyLog::take_of(std::uint32_t region, std::uint64_t first, std::uint64_t n,
                            std::span<std::uint64_t> words) {
    bool any = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] = pending_[region].take(first / 64 + i, mask_of(first / 64 + i, first, n));
        any = any || words[i] != 0;
    }
    if (!any || guest_stopped_)
        return {};
    const std::uint64_t from = first / 64 * 64;
    const std::uint64_t to = std::min(from + words.size() * 64, pending_[region].pages());
    return log_.protect(region, from, static_cast<std::uint32_t>(to - from), words);
}

Status KvmDirtyLog::take(std::uint32_t block, std::uint64_t first, std::span<std::uint64_t> bits) {
    const std::shared_lock lock(mutex_);
    SEGUE_TRY(not_started());
    std::fill(bits.begin(), bits.end(), 0);
    std::vector<std::uint64_t> words;
    for (std::uint32_t region = 0; region < pending_.size(); ++region) {
        const RamRegion& r = ram_.regions()[region].ram;
        const std::uint64_t begin = r.offset / kPageBytes;
        const std::uint64_t from = std::max(first, begin);
        const std::uint64_t to =
            std::min(first + bits.size() * 64, begin + pending_[region].pages());
        if (r.block != block || from >= to)
            continue;
        const std::uint64_t word = (from - begin) / 64;
        words.assign((to - begin + 63) / 64 - word, 0);
        SEGUE_TRY(take_of(region, from - begin, to - from, words));
        for (std::size_t i = 0; i < words.size(); ++i)
            put(words[i], static_cast<std::int64_t>(begin + (word + i) * 64 - first), bits);
    }
    return {};
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/write_log.hpp"

namespace segue::vmm {

Status BitmapLog::check() const {
    if (vm_.can_log_by_hand())
        return {};
    return Error(Code::Unsupported, "this host's KVM has no dirty log with manual protection")
        .way_out("use a mode that leaves RAM in place, or a host with Linux 5.1 or newer")
        .with("capability", "MANUAL_DIRTY_LOG_PROTECT2");
}

Status BitmapLog::find(std::vector<PageBits>& pending) {
    std::vector<std::uint64_t> seen;
    for (std::uint32_t region = 0; region < pending.size(); ++region) {
        seen.assign(pending[region].words(), 0);
        SEGUE_TRY(vm_.read_log(region, seen));
        for (std::size_t w = 0; w < seen.size(); ++w)
            pending[region].set_word(w, seen[w]);
    }
    return {};
}

// What is still there from an earlier update is nobody's.
Status RingLog::start() {
    const std::lock_guard lock(mutex_);
    found_.clear();
    SEGUE_TRY(take_all());
    for (const HostRegion& r : ram_.regions())
        found_.emplace_back(r.ram.bytes / kPageBytes);
    return {};
}

Status RingLog::take_all() {
    return rings_.take(vm_, [this](std::uint32_t region, std::uint64_t page) {
        if (region < found_.size() && page < found_[region].pages())
            found_[region].set(page, 1);
    });
}

Status RingLog::find(std::vector<PageBits>& pending) {
    const std::lock_guard lock(mutex_);
    SEGUE_TRY(take_all());
    for (std::size_t region = 0; region < pending.size(); ++region)
        for (std::size_t w = 0; w < pending[region].words(); ++w)
            pending[region].set_word(w, found_[region].take(w));
    return {};
}

Status RingLog::empty() {
    const std::lock_guard lock(mutex_);
    return take_all();
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_balloon/virtio_balloon.hpp"

#include <linux/virtio_balloon.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "vmm/virtio/uapi.hpp"

namespace segue::vmm {

namespace {

// Linux numbers the queues that there are (drivers/virtio/virtio_pci_common.c, vp_find_vqs_msix),
// so without statistics reporting comes third.
enum : unsigned { Inflate, Deflate, Reporting };

constexpr std::uint64_t kFeatures =
    1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM | 1ull << VIRTIO_BALLOON_F_REPORTING;
constexpr std::size_t kMostJobs = 16;     // taken at a time
constexpr std::size_t kMostPages = 65536; // of one request: 256 MiB

Error malformed(const char* what) {
    return Error(Code::Corrupt, std::string("the balloon's driver ") + what);
}

// 5.5.6.1: page frame numbers, mostly in falling order.
Result<std::vector<std::uint32_t>> read_pages(const virtio::Chain& chain,
                                              const virtio::Memory& memory) {
    if (chain.readable_bytes() % 4 != 0 || chain.readable_bytes() > 4 * kMostPages)
        return malformed("gives a list of pages of a wrong length");
    std::vector<std::uint32_t> pages(chain.readable_bytes() / 4);
    (void)virtio::read(memory, chain.readable(), 0, std::as_writable_bytes(std::span(pages)));
    std::sort(pages.begin(), pages.end());
    return pages;
}

// What is no RAM stays what it is.
std::vector<iovec> map_runs(const std::vector<std::uint32_t>& pages, const virtio::Memory& memory) {
    std::vector<iovec> runs;
    for (std::size_t i = 0, next = 0; i < pages.size(); i = next) {
        for (next = i + 1; next < pages.size() && pages[next] - pages[next - 1] <= 1;)
            ++next;
        const std::uint64_t at = pages[i] * BalloonSize::kPage;
        const std::uint64_t end = (pages[next - 1] + 1ull) * BalloonSize::kPage;
        if (memory.contains(at, end - at))
            (void)memory.map(at, end - at, runs);
    }
    return runs;
}

// A hole in the RAM's file; private RAM has none. Where the host does neither, the pages stay.
void give_back(const iovec& run) {
    const auto at = reinterpret_cast<std::uintptr_t>(run.iov_base);
    if (at % BalloonSize::kPage != 0 || run.iov_len % BalloonSize::kPage != 0)
        return;
    if (::madvise(run.iov_base, run.iov_len, MADV_REMOVE) != 0)
        (void)::madvise(run.iov_base, run.iov_len, MADV_DONTNEED);
}

} // namespace

VirtioBalloon::VirtioBalloon(std::string id, std::shared_ptr<BalloonSize> size)
    : facts_{kName, std::move(id), 1, VIRTIO_ID_BALLOON, 0x00ff00, kFeatures, {128, 128, 128}}
    , size_(std::move(size)) {}

void VirtioBalloon::read_config(std::uint32_t at, std::span<std::byte> data) const {
    const std::array<std::uint32_t, 2> config = {size_->wanted(), size_->given()};
    virtio::read_structure(config, at, data);
}

// 5.5.6: the driver writes `actual` only, and whole.
void VirtioBalloon::write_config(std::uint32_t at, std::span<const std::byte> data) {
    std::uint32_t actual = 0;
    if (at != offsetof(virtio_balloon_config, actual) || data.size() != sizeof actual)
        return;
    std::copy(data.begin(), data.end(), std::as_writable_bytes(std::span(&actual, 1)).begin());
    size_->give(actual);
}

Result<bool> VirtioBalloon::serve(unsigned index, std::span<virtio::Queue> queues,
                                  const virtio::Memory& memory) {
    return queues[index].drain([this] { return jobs_.size() < kMostJobs; },
                               [&](virtio::Chain chain) -> Status {
                                   Job job = {index, std::move(chain), {}};
                                   if (index == Inflate) {
                                       SEGUE_ASSIGN(const auto pages,
                                                    read_pages(job.chain, memory));
                                       job.pages = map_runs(pages, memory);
                                   } else if (index == Reporting) {
                                       (void)virtio::map(memory, job.chain.writable(), 0,
                                                         job.chain.writable_bytes(), job.pages);
                                   }
                                   ++in_flight_;
                                   jobs_.push_back(std::move(job));
                                   return {};
                               });
}

void VirtioBalloon::submit() {
    if (jobs_.empty())
        return;
    for (const Job& job : jobs_)
        std::for_each(job.pages.begin(), job.pages.end(), give_back);
    std::move(jobs_.begin(), jobs_.end(), std::back_inserter(done_));
    jobs_.clear();
    sys::signal_event(size_->event());
}

void VirtioBalloon::finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) {
    sys::clear_event(size_->event());
    for (const Job& job : done_) {
        for (const iovec& run : job.pages)
            memory.wrote(run); // they are empty now
        queues[job.queue].push(job.chain, 0);
    }
    in_flight_ -= done_.size();
    done_.clear();
}

bool VirtioBalloon::config_changed() {
    return std::exchange(told_, size_->wanted()) != told_;
}

void VirtioBalloon::save(state::Writer& section, bool) const {
    section.put("wanted", size_->wanted());
    section.put("given", size_->given());
}

Status VirtioBalloon::load(const state::Section& section) {
    SEGUE_ASSIGN(const std::uint64_t wanted, section.number("wanted"));
    SEGUE_ASSIGN(const std::uint64_t given, section.number("given"));
    if (wanted > UINT32_MAX || given > UINT32_MAX)
        return malformed("has more pages than there can be");
    told_ = static_cast<std::uint32_t>(~wanted); // whether the guest was told, nobody knows
    size_->want(static_cast<std::uint32_t>(wanted));
    size_->give(static_cast<std::uint32_t>(given));
    return {};
}

} // namespace segue::vmm

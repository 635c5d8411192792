// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/prealloc.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "core/base/units.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint64_t kGiB = 1ull << 30;
constexpr std::uint64_t kChunk = 64ull << 20; // of one call: a multiple of all but the largest page
constexpr std::uint64_t kBig = 4 * kGiB;      // from here on the log says how far it is
constexpr unsigned kMaxThreads = 8;           // more wait for the host's memory, not for its CPUs

// Of one block; all threads share it.
class Work {
public:
    explicit Work(const inventory::RamBlock& block)
        : block_(block)
        , chunk_(std::max(kChunk, std::uint64_t{1} << block.page_shift)) {}

    std::uint64_t chunks() const { return (block_.bytes + chunk_ - 1) / chunk_; }
    int failed() const { return failed_; } // errno

    // Until nothing is left, or one thread has failed. [any]
    void run() {
        for (std::uint64_t at; failed_ == 0 && (at = next_.fetch_add(chunk_)) < block_.bytes;) {
            const std::uint64_t bytes = std::min(chunk_, block_.bytes - at);
            if (::madvise(block_.base() + at, bytes, MADV_POPULATE_WRITE) != 0)
                failed_ = errno;
            else
                tell(done_.fetch_add(bytes), bytes);
        }
    }

private:
    // Each tenth that is passed.
    void tell(std::uint64_t before, std::uint64_t more) const {
        const auto tenths = [this](std::uint64_t bytes) { return bytes / (block_.bytes / 10); };
        if (block_.bytes >= kBig && tenths(before + more) != tenths(before))
            log::info("RAM block '" + block_.id +
                      "': " + std::to_string(tenths(before + more) * 10) + " % of " +
                      format_size(block_.bytes) + " preallocated");
    }

    const inventory::RamBlock& block_;
    const std::uint64_t chunk_;
    std::atomic<std::uint64_t> next_ = 0, done_ = 0;
    std::atomic<int> failed_ = 0;
};

unsigned cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set))
                                                         : 1;
}

Error explain(const inventory::RamBlock& block, int why) {
    const std::string what =
        "preallocate RAM block '" + block.id + "' of " + format_size(block.bytes);
    if (why != ENOMEM && why != EFAULT) // EINVAL: before Linux 5.14
        return Error::from_errno(why, what)
            .way_out("memory.prealloc needs Linux 5.14; leave it out")
            .with("block", block.id);
    const bool huge = block.page_shift > 12;
    return Error(Code::Refused, what + ": " +
                                    (huge ? "the pool of huge pages has not enough"
                                          : "the host, the file system or the cgroup has not "
                                            "enough memory") +
                                    ", or the NUMA nodes of memory.numa have not; " +
                                    std::strerror(why))
        .way_out(huge ? "raise /sys/kernel/mm/hugepages/*/nr_hugepages, or make the block smaller"
                      : "make room, make the block smaller, or leave memory.prealloc out")
        .with("block", block.id);
}

} // namespace

Status preallocate(const inventory::RamBlock& block) {
    Work work(block);
    const auto count = std::min<std::uint64_t>({cpus(), kMaxThreads, work.chunks()});
    std::vector<std::thread> others;
    while (others.size() + 1 < count)
        others.emplace_back([&work] {
            (void)::pthread_setname_np(::pthread_self(), "prealloc");
            work.run();
        });
    work.run();
    for (std::thread& t : others)
        t.join();
    if (work.failed() != 0)
        return explain(block, work.failed());
    return {};
}

} // namespace segue::vmm

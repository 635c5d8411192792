// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/copy_floor.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <random>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/sys.hpp>

namespace segue::bench {

namespace {

constexpr int kAnonymous = MAP_ANONYMOUS | MAP_NORESERVE;

// The first half random; all pages are there.
Result<Mapping> source(std::size_t bytes) {
    SEGUE_ASSIGN(Mapping from, Mapping::make(bytes, PROT_READ | PROT_WRITE, MAP_SHARED | kAnonymous,
                                             -1, 0, "memory to copy"));
    auto* word = reinterpret_cast<std::uint64_t*>(from.data());
    std::minstd_rand random;
    std::uint64_t state = random();
    for (std::size_t i = 0; i < bytes / 2 / sizeof *word; ++i)
        word[i] = state = state * 6364136223846793005u + 1442695040888963407u;
    std::memset(from.data() + bytes / 2, 0, bytes - bytes / 2);
    return from;
}

double now(clockid_t clock) {
    timespec t = {};
    ::clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// In the child: only what may be called there. `to`: a memfd, or -1.
FloorTimes copy(const Mapping& from, int to) {
    (void)::madvise(from.data(), from.size(), MADV_POPULATE_READ);
    void* at = ::mmap(nullptr, from.size(), PROT_READ | PROT_WRITE,
                      to < 0 ? MAP_PRIVATE | kAnonymous : MAP_SHARED, to, 0);
    if (at == MAP_FAILED)
        return {};
    const double began = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    std::memcpy(at, from.data(), from.size());
    return {now(CLOCK_MONOTONIC) - began, now(CLOCK_PROCESS_CPUTIME_ID) - cpu};
}

} // namespace

Result<FloorTimes> copy_floor(unsigned mib, Fills fills) {
    SEGUE_ASSIGN(const Mapping from, source(std::size_t{mib} << 20));
    UniqueFd to;
    if (fills == Fills::Memfd) {
        SEGUE_ASSIGN(to, sys::memfd("segue-bench", MFD_CLOEXEC));
        SEGUE_TRY(sys::truncate(to.get(), from.size()));
    }
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return Error::from_errno(errno, "make a pipe");
    const UniqueFd in(ends[0]), out(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        const FloorTimes times = copy(from, to.get());
        (void)!::write(out.get(), &times, sizeof times);
        ::_exit(0);
    }
    if (child < 0)
        return Error::from_errno(errno, "fork");
    int how = 0;
    ::waitpid(child, &how, 0);
    FloorTimes times;
    if (how != 0 || ::read(in.get(), &times, sizeof times) != sizeof times || times.seconds <= 0)
        return Error(Code::Io, "copy " + std::to_string(mib) + " MiB by memcpy")
            .way_out("this machine needs twice that free: choose a smaller --ram-mib");
    return times;
}

} // namespace segue::bench

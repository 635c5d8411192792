// SPDX-License-Identifier: Apache-2.0
// scheduling.hpp - where and how the host runs one thread: CPU affinity, policy, priority, nice.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <segue/cpp/result.hpp>

#include "core/state/section.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

// A set of CPUs as sched_setaffinity(2) takes it: CPU n is bit n % 8 of byte n / 8.
struct CpuMask {
    static constexpr std::size_t kBytes = 1024; // 8192 CPUs, the most that Linux is built for
    std::array<std::byte, kBytes> bytes = {};

    // Every CPU there is, here or on another host: what a thread has that nobody bound.
    static CpuMask any();
    bool has(std::size_t cpu) const;
    // Without the zero bytes at its end.
    std::span<const std::byte> trimmed() const;
    bool operator==(const CpuMask&) const = default;
};
std::string to_string(const CpuMask& mask); // "0-3,8", "any CPU"

// struct sched_attr of sched_setattr(2), in its first version.
struct SchedAttr {
    // RESET_ON_FORK, RECLAIM, DL_OVERRUN: a thread's own. The others are orders to the call.
    static constexpr std::uint64_t kFlags = 7;

    std::uint32_t size = 48;
    std::uint32_t policy = 0; // SCHED_*
    std::uint64_t flags = 0;  // SCHED_FLAG_*, of kFlags
    std::int32_t nice = 0;
    std::uint32_t priority = 0;                          // of SCHED_FIFO and SCHED_RR
    std::uint64_t runtime = 0, deadline = 0, period = 0; // ns
    bool operator==(const SchedAttr&) const = default;
};
static_assert(sizeof(SchedAttr) == 48);
std::string to_string(const SchedAttr& attr); // "SCHED_FIFO, priority 1"

struct Scheduling {
    CpuMask cpus;
    SchedAttr attr;
    bool operator==(const Scheduling&) const = default;
};

// Of a thread of this process. A mask of all CPUs that are online reads as any(). [any]
Result<Scheduling> scheduling_of(pid_t tid);
// Sets what differs from `now`. An error says what the host refuses, and why: the CPUs, where it
// lets the thread run on some of them only; what it accepts is set. Allocates only then. [any]
Status reschedule(pid_t tid, const Scheduling& now, const Scheduling& wanted);

// The fields of an open section, and back; CORRUPT names the field that no thread can have.
void encode(state::Writer& writer, const Scheduling& scheduling);
Result<Scheduling> decode_scheduling(const state::Section& section);

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/scheduling.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace segue::vmm {

namespace {

constexpr std::size_t kBits = 8;
constexpr const char* kPolicies[] = {"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH"};

cpu_set_t* raw(CpuMask& mask) {
    return reinterpret_cast<cpu_set_t*>(mask.bytes.data());
}
const cpu_set_t* raw(const CpuMask& mask) {
    return reinterpret_cast<const cpu_set_t*>(mask.bytes.data());
}

long count(const CpuMask& mask) {
    long n = 0;
    for (const std::byte b : mask.bytes)
        n += std::popcount(std::to_integer<std::uint8_t>(b));
    return n;
}

Result<CpuMask> mask_of(pid_t tid) {
    CpuMask mask;
    if (::sched_getaffinity(tid, CpuMask::kBytes, raw(mask)) != 0)
        return Error::from_errno(errno, "sched_getaffinity");
    return mask;
}

Status bind(pid_t tid, const CpuMask& wanted) {
    if (::sched_setaffinity(tid, CpuMask::kBytes, raw(wanted)) != 0)
        return Error::from_errno(errno, "bind to CPUs " + to_string(wanted))
            .way_out("let the VMM use them: its cpuset, or the host's CPUs that are online");
    if (wanted == CpuMask::any())
        return {};
    // The kernel drops what the host or the cpuset has not.
    SEGUE_ASSIGN(const CpuMask got, mask_of(tid));
    if (got == wanted)
        return {};
    return Error(Code::Refused,
                 "bind to CPUs " + to_string(wanted) + ": the host allows only " + to_string(got))
        .way_out("let the VMM use them: its cpuset, or the host's CPUs that are online");
}

} // namespace

CpuMask CpuMask::any() {
    CpuMask mask;
    mask.bytes.fill(std::byte{0xff});
    return mask;
}

bool CpuMask::has(std::size_t cpu) const {
    return (bytes[cpu / kBits] >> (cpu % kBits) & std::byte{1}) != std::byte{0};
}

std::span<const std::byte> CpuMask::trimmed() const {
    std::size_t n = kBytes;
    while (n > 0 && bytes[n - 1] == std::byte{0})
        --n;
    return std::span(bytes).first(n);
}

std::string to_string(const CpuMask& mask) {
    if (mask == CpuMask::any())
        return "any CPU";
    std::string text;
    const std::size_t end = mask.trimmed().size() * kBits;
    for (std::size_t cpu = 0; cpu < end; ++cpu) {
        if (!mask.has(cpu))
            continue;
        const std::size_t first = cpu;
        while (cpu + 1 < end && mask.has(cpu + 1))
            ++cpu;
        text += (text.empty() ? "" : ",") + std::to_string(first) +
                (cpu == first ? "" : "-" + std::to_string(cpu));
    }
    return text;
}

std::string to_string(const SchedAttr& attr) {
    std::string text = attr.policy < std::size(kPolicies)
                           ? kPolicies[attr.policy]
                           : "scheduling policy " + std::to_string(attr.policy);
    if (attr.priority != 0)
        text += ", priority " + std::to_string(attr.priority);
    if (attr.nice != 0)
        text += ", nice " + std::to_string(attr.nice);
    return text;
}

Result<Scheduling> scheduling_of(pid_t tid) {
    Scheduling s;
    SEGUE_ASSIGN(s.cpus, mask_of(tid));
    if (count(s.cpus) >= ::sysconf(_SC_NPROCESSORS_ONLN))
        s.cpus = CpuMask::any();
    if (::syscall(SYS_sched_getattr, tid, &s.attr, sizeof s.attr, 0) != 0)
        return Error::from_errno(errno, "sched_getattr");
    s.attr.size = sizeof s.attr;
    s.attr.flags &= SchedAttr::kFlags;
    return s;
}

Status reschedule(pid_t tid, const Scheduling& now, const Scheduling& wanted) {
    Status bound = now.cpus != wanted.cpus ? bind(tid, wanted.cpus) : Status();
    if (now.attr != wanted.attr && ::syscall(SYS_sched_setattr, tid, &wanted.attr, 0) != 0)
        return Error::from_errno(errno, "run as " + to_string(wanted.attr))
            .way_out("give the VMM CAP_SYS_NICE, or a higher RLIMIT_NICE or RLIMIT_RTPRIO");
    return bound;
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/state/number32.hpp"
#include "vmm/vcpu/scheduling.hpp"

namespace segue::vmm {

namespace {

// sched(7).
constexpr std::int64_t kLowestNice = 19, kHighestNice = -20;
constexpr std::uint32_t kHighestPriority = 99;

Error corrupt(const state::Section& section, const char* key, const std::string& why) {
    return state::section_error(section.name(), section.instance(),
                                Error(Code::Corrupt, key + (" " + why)).with("key", key));
}

// No byte: any CPU.
Result<CpuMask> decode_mask(const state::Section& section) {
    SEGUE_ASSIGN(const auto bytes, section.bytes("cpus"));
    if (bytes.empty())
        return CpuMask::any();
    CpuMask mask;
    if (bytes.size() > mask.bytes.size())
        return corrupt(section, "cpus", "is longer than any host's mask");
    std::copy(bytes.begin(), bytes.end(), mask.bytes.begin());
    if (mask.trimmed().empty())
        return corrupt(section, "cpus", "has no CPU");
    return mask;
}

} // namespace

void encode(state::Writer& writer, const Scheduling& s) {
    const bool any = s.cpus == CpuMask::any();
    writer.put_bytes("cpus", any ? std::span<const std::byte>() : s.cpus.trimmed());
    writer.put("policy", s.attr.policy);
    writer.put("flags", s.attr.flags);
    writer.put_signed("nice", s.attr.nice);
    writer.put("priority", s.attr.priority);
    writer.put("runtime", s.attr.runtime);
    writer.put("deadline", s.attr.deadline);
    writer.put("period", s.attr.period);
}

Result<Scheduling> decode_scheduling(const state::Section& section) {
    Scheduling s;
    SEGUE_ASSIGN(s.cpus, decode_mask(section));
    SEGUE_ASSIGN(s.attr.policy, state::number32(section, "policy"));
    SEGUE_ASSIGN(s.attr.flags, section.number("flags"));
    SEGUE_ASSIGN(const std::int64_t nice, section.signed_number("nice"));
    SEGUE_ASSIGN(s.attr.priority, state::number32(section, "priority"));
    SEGUE_ASSIGN(s.attr.runtime, section.number("runtime"));
    SEGUE_ASSIGN(s.attr.deadline, section.number("deadline"));
    SEGUE_ASSIGN(s.attr.period, section.number("period"));
    if ((s.attr.flags & ~SchedAttr::kFlags) != 0)
        return corrupt(section, "flags", "are none that a thread has");
    if (nice < kHighestNice || nice > kLowestNice)
        return corrupt(section, "nice", "is not -20 to 19");
    if (s.attr.priority > kHighestPriority)
        return corrupt(section, "priority", "is not 0 to 99");
    s.attr.nice = static_cast<std::int32_t>(nice);
    return s;
}

} // namespace segue::vmm

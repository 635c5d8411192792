// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/vm_areas.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <fstream>
#include <utility>

namespace segue::vmm {

namespace {

constexpr std::string_view kFlags = "VmFlags:";

constexpr std::pair<const char*, int> kAdvice[] = {{"dd", MADV_DONTDUMP},
                                                   {"dc", MADV_DONTFORK},
                                                   {"hg", MADV_HUGEPAGE},
                                                   {"nh", MADV_NOHUGEPAGE},
                                                   {"mg", MADV_MERGEABLE}};

Error unreadable(const char* file) {
    return Error(Code::Unsupported, std::string(file) + " cannot be read")
        .way_out("mount /proc in the VMM's root");
}

} // namespace

bool VmArea::has(std::string_view flag) const {
    return flags.find(" " + std::string(flag) + " ") != std::string::npos;
}

bool VmArea::overlaps(const void* base, std::uint64_t bytes) const {
    const auto from = reinterpret_cast<std::uintptr_t>(base);
    return begin < from + bytes && from < end;
}

Result<std::vector<VmArea>> vm_areas() {
    std::ifstream smaps("/proc/self/smaps");
    std::vector<VmArea> all;
    for (std::string line; std::getline(smaps, line);) {
        VmArea area;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &area.begin, &area.end) == 2)
            all.push_back(std::move(area));
        else if (!all.empty() && line.compare(0, kFlags.size(), kFlags) == 0)
            all.back().flags = line.substr(kFlags.size()) + " ";
    }
    if (all.empty())
        return unreadable("/proc/self/smaps");
    return all;
}

std::vector<int> advice_of(const VmArea& area) {
    std::vector<int> advice;
    for (const auto& [flag, value] : kAdvice)
        if (area.has(flag))
            advice.push_back(value);
    return advice;
}

Result<HeldBytes> held_bytes() {
    std::uint64_t locked_kib = 0, pinned_kib = 0;
    std::ifstream status("/proc/self/status");
    unsigned found = 0;
    for (std::string line; std::getline(status, line);)
        found += static_cast<unsigned>(std::sscanf(line.c_str(), "VmLck: %lu", &locked_kib) == 1) +
                 static_cast<unsigned>(std::sscanf(line.c_str(), "VmPin: %lu", &pinned_kib) == 1);
    if (found != 2)
        return unreadable("/proc/self/status");
    return HeldBytes{locked_kib * 1024, pinned_kib * 1024};
}

// VmPin: iommufd, RDMA, buffers registered with io_uring. VFIO's first IOMMU driver counts its pins
// as locked, beyond the areas that are.
std::uint64_t pinned_bytes(const HeldBytes& held, const std::vector<VmArea>& areas) {
    std::uint64_t areas_locked = 0;
    for (const VmArea& area : areas)
        if (area.has("lo"))
            areas_locked += area.end - area.begin;
    return held.pinned + (held.locked > areas_locked ? held.locked - areas_locked : 0);
}

} // namespace segue::vmm

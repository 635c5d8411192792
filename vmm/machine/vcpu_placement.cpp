// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/vcpu_placement.hpp"

namespace segue::vmm {

namespace {

constexpr const char* kSection = "vcpu-thread";
constexpr std::uint32_t kRevision = 1;

Error of_vcpu(Error why, std::size_t vcpu) {
    const std::string id = std::to_string(vcpu);
    return std::move(why).while_doing("the thread of vCPU " + id).with("vcpu", id);
}

} // namespace

Status VcpuPlacement::describe(const VcpuGroup& vcpus, state::Writer& manifest) {
    for (std::size_t id = 0; id < vcpus.size(); ++id) {
        auto now = scheduling_of(vcpus.tid(id));
        if (!now)
            return of_vcpu(std::move(now).error(), id);
        manifest.begin(kSection, std::to_string(id), kRevision);
        encode(manifest, *now);
        manifest.end();
    }
    return {};
}

Result<VcpuPlacement> VcpuPlacement::read(const state::Reader& manifest, const VcpuGroup& vcpus) {
    VcpuPlacement placement;
    const std::size_t described = manifest.take_all(kSection).size();
    if (described == 0)
        return placement;
    if (described > vcpus.size())
        return Error(Code::Corrupt, "the manifest has " + std::to_string(described) + " sections " +
                                        kSection + " for " + std::to_string(vcpus.size()) +
                                        " vCPUs");
    SEGUE_ASSIGN(placement.inherited_, scheduling_of(vcpus.tid(0)));
    for (std::size_t id = 0; id < vcpus.size(); ++id) {
        SEGUE_ASSIGN(const state::Section* section, manifest.take(kSection, std::to_string(id)));
        if (section->revision() != kRevision)
            return Error(Code::Unsupported, std::string("section ") + kSection + " has revision " +
                                                std::to_string(section->revision()));
        SEGUE_ASSIGN(const Scheduling wanted, decode_scheduling(*section));
        if (wanted != placement.inherited_)
            placement.changes_.push_back({id, vcpus.tid(id), wanted});
    }
    return placement;
}

Status VcpuPlacement::try_out() const {
    for (const Change& c : changes_) {
        Status s = reschedule(c.tid, inherited_, c.wanted);
        (void)reschedule(c.tid, c.wanted, inherited_).ok();
        if (!s)
            return of_vcpu(std::move(s).error(), c.vcpu);
    }
    return {};
}

std::vector<Error> VcpuPlacement::apply() const {
    std::vector<Error> refused;
    for (const Change& c : changes_)
        if (Status s = reschedule(c.tid, inherited_, c.wanted); !s)
            refused.push_back(of_vcpu(std::move(s).error(), c.vcpu));
    return refused;
}

} // namespace segue::vmm

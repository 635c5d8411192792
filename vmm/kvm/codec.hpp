// SPDX-License-Identifier: Apache-2.0
// codec.hpp - KVM state in a state container: kernel structures as byte strings, revision 1.
#pragma once

#include "core/state/section.hpp"
#include "core/state/writer.hpp"
#include "vmm/kvm/kvm.hpp"
#include "vmm/kvm/vcpu_state.hpp"
#include "vmm/kvm/vm_state.hpp"

namespace segue::vmm {

inline constexpr std::uint32_t kKvmRevision = 1;

// Sections "vcpu" with the vCPU's number as instance, and "vm".
void encode(state::Writer& writer, unsigned id, const VcpuState& state);
void encode(state::Writer& writer, const VmState& state);

// CORRUPT names the field whose length is wrong. `state` comes from VcpuIo::blank(), whose buffers
// are filled, so that nothing is allocated while the guest stands still.
Status decode(const state::Section& section, VcpuState& state);
Status decode(const state::Section& section, VmState& state);

// What a vCPU is made with; in the machine manifest. Section "cpu" with the vCPU's number.
struct VcpuShape {
    CpuidEntries cpuid;
    std::uint32_t tsc_khz = 0; // 0: the host's
};
void encode(state::Writer& writer, unsigned id, const VcpuShape& shape);
Result<VcpuShape> decode_shape(const state::Section& section);

// Likewise for the VM: section "kvm", its capabilities.
void encode_capabilities(state::Writer& writer, const std::vector<Capability>& capabilities);
Result<std::vector<Capability>> decode_capabilities(const state::Section& section);

} // namespace segue::vmm

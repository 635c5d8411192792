// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/machine_io.hpp"

namespace segue::vmm {

Result<KvmState> blank_state(const Vm& vm, std::span<const VcpuIo> vcpus) {
    KvmState state;
    SEGUE_ASSIGN(state.vm, blank_vm_state(vm));
    for (const VcpuIo& io : vcpus)
        state.vcpus.push_back(io.blank());
    return state;
}

Status save(const Vm& vm, std::span<VcpuIo> vcpus, KvmState& state) {
    for (std::size_t i = 0; i < vcpus.size(); ++i)
        SEGUE_TRY(vcpus[i].read_mp_state(state.vcpus[i]));
    SEGUE_TRY(read_chips(vm, state.vm));
    for (std::size_t i = 0; i < vcpus.size(); ++i)
        SEGUE_TRY(vcpus[i].read(state.vcpus[i]));
    return read_clock(vm, state.vm);
}

Status load(const Vm& vm, std::span<VcpuIo> vcpus, const KvmState& state) {
    for (std::size_t i = 0; i < vcpus.size(); ++i)
        SEGUE_TRY(vcpus[i].write(state.vcpus[i]));
    SEGUE_TRY(write_vm(vm, state.vm));
    for (std::size_t i = 0; i < vcpus.size(); ++i)
        SEGUE_TRY(vcpus[i].write_paravirtual(state.vcpus[i]));
    return {};
}

} // namespace segue::vmm

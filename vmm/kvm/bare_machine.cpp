// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/bare_machine.hpp"

#include "vmm/kvm/cpuid.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint32_t kTss = 0xfffbd000; // below the BIOS area, as other VMMs have it
constexpr std::uint64_t kIdentityMap = 0xfffbc000;

Result<Vm> make_vm(const Kvm& kvm, std::span<std::byte> ram) {
    SEGUE_ASSIGN(Vm vm, Vm::create(kvm));
    SEGUE_TRY(check_required(vm));
    SEGUE_TRY(enable_all(vm, wanted_capabilities(vm)));
    SEGUE_TRY(vm.set_identity_map_addr(kIdentityMap));
    SEGUE_TRY(vm.set_tss_addr(kTss));
    SEGUE_TRY(vm.create_irqchip());
    SEGUE_TRY(vm.create_pit());
    SEGUE_TRY(vm.set_memory({0, 0, 0, ram.size(), ram.data()}));
    return vm;
}

} // namespace

Result<BareMachine> BareMachine::make(const Kvm& kvm, std::span<std::byte> ram, unsigned vcpus) {
    BareMachine m;
    SEGUE_ASSIGN(m.vm, make_vm(kvm, ram));
    SEGUE_ASSIGN(const CpuidEntries cpu, host_cpuid(kvm, m.vm, true));
    for (unsigned id = 0; id < vcpus; ++id) {
        SEGUE_ASSIGN(Vcpu vcpu, Vcpu::create(kvm, m.vm, id));
        m.vcpus.push_back(std::make_unique<Vcpu>(std::move(vcpu)));
        SEGUE_TRY(m.vcpus.back()->set_cpuid(vcpu_cpuid(cpu, id, vcpus)));
        SEGUE_ASSIGN(VcpuIo io, VcpuIo::make(kvm, m.vm, *m.vcpus.back()));
        m.io.push_back(std::move(io));
    }
    return m;
}

} // namespace segue::vmm

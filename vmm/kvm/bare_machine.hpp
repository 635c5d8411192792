// SPDX-License-Identifier: Apache-2.0
// bare_machine.hpp - a VM with vCPUs and nothing else, as tests and the floor's bench use it.
#pragma once

#include <memory>
#include <vector>

#include <segue/cpp/mapping.hpp>

#include "vmm/kvm/machine_io.hpp"

namespace segue::vmm {

// The Vcpus do not move, because their VcpuIos refer to them. [any]
struct BareMachine {
    Vm vm;
    std::vector<std::unique_ptr<Vcpu>> vcpus;
    std::vector<VcpuIo> io;

    // `ram` at guest address 0, irqchip, PIT, wanted capabilities, `vcpus` CPUs of policy "host".
    static Result<BareMachine> make(const Kvm& kvm, std::span<std::byte> ram, unsigned vcpus);
};

} // namespace segue::vmm

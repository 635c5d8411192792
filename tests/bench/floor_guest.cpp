// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_guest.hpp"

#include <cstring>
#include <filesystem>
#include <string>

#include "vmm/boot/kernel.hpp"
#include "vmm/boot/pvh.hpp"

namespace segue::bench {

namespace {

constexpr std::uint16_t kLineStatus = 0x3fd;     // of COM1
constexpr std::uint8_t kTransmitterEmpty = 0x60; // THRE and TEMT
constexpr std::uint64_t kLowRam = std::uint64_t{3} << 30;

} // namespace

Result<std::uint32_t> place_guest(std::span<std::byte> ram, unsigned vcpus) {
    std::error_code ignored;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    const auto elf = program.parent_path().parent_path() / "share/segue/metronome.elf";
    const std::uint64_t bytes = std::min<std::uint64_t>(ram.size(), kLowRam);
    const vmm::GuestRam guest({{{0, bytes}, ram.data()}});
    const std::string line = "vcpus=" + std::to_string(vcpus) + " print=0 share=4M";
    SEGUE_ASSIGN(const vmm::BootVcpu boot, vmm::load_kernel({elf.string(), "", line}, guest, {}));
    return static_cast<std::uint32_t>(boot.regs.rip);
}

void set_entry(vmm::VcpuState& state, std::uint32_t entry) {
    const vmm::BootVcpu boot = vmm::pvh_vcpu(entry, state.sregs);
    state.regs = boot.regs;
    state.sregs = boot.sregs;
    state.mp.mp_state = KVM_MP_STATE_RUNNABLE;
}

bool answer_exit(vmm::Vcpu& vcpu) {
    kvm_run& run = vcpu.shared();
    if (run.exit_reason == KVM_EXIT_INTR)
        return true;
    if (run.exit_reason != KVM_EXIT_IO)
        return false;
    if (run.io.direction == KVM_EXIT_IO_IN)
        std::memset(reinterpret_cast<std::byte*>(&run) + run.io.data_offset,
                    run.io.port == kLineStatus ? kTransmitterEmpty : 0, run.io.size * run.io.count);
    return true;
}

} // namespace segue::bench

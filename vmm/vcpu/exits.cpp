// SPDX-License-Identifier: Apache-2.0
// Source: Linux, Documentation/virt/kvm/api.rst, section 5 "The kvm_run structure".
#include "vmm/vcpu/exits.hpp"

#include <algorithm>
#include <span>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

std::string hex(std::uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

std::string instruction_pointer(const Vcpu& vcpu) {
    kvm_regs regs = {};
    const auto r = sys::ioctl(vcpu.fd(), KVM_GET_REGS, &regs, "KVM_GET_REGS");
    return r ? hex(regs.rip) : "an unknown address";
}

std::string internal_error(const kvm_run& run) {
    const std::uint32_t n = run.internal.suberror;
    if (n == KVM_INTERNAL_ERROR_EMULATION)
        return "KVM cannot emulate an instruction";
    return "KVM internal error " + std::to_string(n);
}

} // namespace

void Exits::port_access(kvm_run& run) {
    auto* at = reinterpret_cast<std::byte*>(&run) + run.io.data_offset;
    for (std::uint32_t i = 0; i < run.io.count; ++i, at += run.io.size) {
        if (run.io.direction == KVM_EXIT_IO_OUT)
            buses_.ports.write(run.io.port, std::span<const std::byte>(at, run.io.size));
        else
            buses_.ports.read(run.io.port, std::span<std::byte>(at, run.io.size));
    }
}

void Exits::mmio_access(kvm_run& run) {
    const auto data = std::as_writable_bytes(std::span(run.mmio.data))
                          .first(std::min<std::size_t>(run.mmio.len, sizeof run.mmio.data));
    if (run.mmio.is_write != 0)
        buses_.mmio.write(run.mmio.phys_addr, data);
    else
        buses_.mmio.read(run.mmio.phys_addr, data);
}

void Exits::crash(const Vcpu& vcpu, const std::string& why) {
    GuestEvent event;
    event.kind = GuestEvent::Kind::Crash;
    event.text =
        "vCPU " + std::to_string(vcpu.id()) + " at " + instruction_pointer(vcpu) + ": " + why;
    events_.guest_event(event);
}

void Exits::failed(const Vcpu& vcpu, const Error& error) {
    crash(vcpu, error.what());
}

void Exits::handle(const Vcpu& vcpu) {
    kvm_run& run = vcpu.shared();
    switch (run.exit_reason) {
    case KVM_EXIT_IO:
        port_access(run);
        break;
    case KVM_EXIT_MMIO:
        mmio_access(run);
        break;
    case KVM_EXIT_INTR:
        break;
    case KVM_EXIT_SHUTDOWN: {
        GuestEvent event;
        event.kind = GuestEvent::Kind::TripleFault;
        event.text = "vCPU " + std::to_string(vcpu.id());
        events_.guest_event(event);
        break;
    }
    case KVM_EXIT_DIRTY_RING_FULL:
        if (const Status s = empty_rings_ ? empty_rings_() : Status(); !s)
            failed(vcpu, s.error());
        break;
    case KVM_EXIT_FAIL_ENTRY:
        crash(vcpu, "the processor refused the guest's state, reason " +
                        hex(run.fail_entry.hardware_entry_failure_reason));
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        crash(vcpu, internal_error(run));
        break;
    default:
        crash(vcpu,
              "KVM exit " + std::to_string(run.exit_reason) + ", which this VMM does not know");
    }
}

} // namespace segue::vmm

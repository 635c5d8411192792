// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/kvm_mover.hpp"

#include <algorithm>

#include "core/base/list.hpp"
#include "vmm/kvm/codec.hpp"
#include "vmm/kvm/other_host.hpp"
#include "vmm/kvm/state_parts.hpp"

namespace segue::vmm {

namespace {

constexpr std::size_t kNamed = 8; // parts that an error names

} // namespace

KvmMover::KvmMover(const Vm& vm, VcpuGroup& vcpus)
    : vm_(vm)
    , vcpus_(vcpus)
    , io_(vcpus.size())
    , meeting_(static_cast<std::ptrdiff_t>(vcpus.size()), Verdict{this}) {}

Result<std::unique_ptr<KvmMover>> KvmMover::make(const Kvm& kvm, const Vm& vm, VcpuGroup& vcpus) {
    std::unique_ptr<KvmMover> m(new KvmMover(vm, vcpus));
    m->fresh_.vcpus.resize(vcpus.size());
    SEGUE_ASSIGN(m->fresh_.vm, blank_vm_state(vm));
    SEGUE_TRY(vcpus.on_each([&](Vcpu& vcpu) -> Status {
        SEGUE_ASSIGN(VcpuIo io, VcpuIo::make(kvm, vm, vcpu));
        m->fresh_.vcpus[vcpu.id()] = io.blank();
        m->io_[vcpu.id()] = std::make_unique<VcpuIo>(std::move(io));
        return {};
    }));
    m->now_ = m->fresh_;
    SEGUE_TRY(m->read_all(m->fresh_));
    return m;
}

bool KvmMover::meet(const Status& mine) {
    if (!mine)
        failed_.store(true);
    meeting_.arrive_and_wait();
    return go_on_;
}

Status KvmMover::read_all(KvmState& to) {
    failed_.store(false);
    return vcpus_.on_each([&](Vcpu& vcpu) -> Status {
        const unsigned id = vcpu.id();
        Status status = io_[id]->read_mp_state(to.vcpus[id]);
        if (!meet(status))
            return status;
        if (id == 0)
            status = read_chips(vm_, to.vm);
        if (!meet(status))
            return status;
        status = io_[id]->read(to.vcpus[id]);
        if (meet(status) && id == 0)
            status = read_clock(vm_, to.vm);
        return status;
    });
}

Status KvmMover::write_all(const KvmState& from) {
    failed_.store(false);
    return vcpus_.on_each([&](Vcpu& vcpu) -> Status {
        const unsigned id = vcpu.id();
        Status status = io_[id]->write(from.vcpus[id]);
        if (!meet(status))
            return status;
        if (id == 0)
            status = write_vm(vm_, from.vm);
        if (!meet(status))
            return status;
        return io_[id]->write_paravirtual(from.vcpus[id]);
    });
}

Status KvmMover::rehearse() {
    SEGUE_TRY(vcpus_.on_each([&](Vcpu& vcpu) -> Status {
        Status status = io_[vcpu.id()]->rehearse();
        vcpu.exit_now(); // the gate stays closed
        return status;
    }));
    SEGUE_TRY(read_all(now_));
    // The paravirtual MSRs of a vCPU that never ran are 0, so this writes no guest RAM.
    return write_all(now_);
}

Status KvmMover::save(state::Writer& state) {
    SEGUE_TRY(read_all(now_));
    encode(state, now_.vm);
    for (unsigned id = 0; id < now_.vcpus.size(); ++id)
        encode(state, id, now_.vcpus[id]);
    return {};
}

Status KvmMover::load(const state::Reader& state) {
    SEGUE_ASSIGN(const state::Section* vm, state.take("vm"));
    SEGUE_TRY(decode(*vm, now_.vm));
    for (unsigned id = 0; id < now_.vcpus.size(); ++id) {
        SEGUE_ASSIGN(const state::Section* vcpu, state.take("vcpu", std::to_string(id)));
        SEGUE_TRY(decode(*vcpu, now_.vcpus[id]));
    }
    SEGUE_TRY(carry_over(now_, this_boot(), host_moment()));
    return write_all(now_);
}

Status KvmMover::compare() {
    KvmState again = now_;
    SEGUE_TRY(read_all(again));
    const auto want = parts_of(now_), got = parts_of(again);
    std::string names;
    std::size_t count = 0;
    for (std::size_t i = 0; i < want.size() && i < got.size(); ++i) {
        const bool same = std::equal(want[i].bytes.begin(), want[i].bytes.end(),
                                     got[i].bytes.begin(), got[i].bytes.end());
        if (same || goes_on(want[i].name) || may_fire(want[i].name))
            continue;
        if (++count <= kNamed)
            add_to_list(names, want[i].name);
    }
    if (count == 0)
        return {};
    return Error(Code::Refused, std::to_string(count) +
                                    " parts of the KVM state do not come back "
                                    "as they were saved: " +
                                    names)
        .with("parts", names);
}

Status KvmMover::restart(const BootVcpu& boot) {
    SEGUE_TRY(read_all(now_));
    KvmState start = fresh_;
    start.vm.clock = now_.vm.clock;
    start.vm.boottime_ns = now_.vm.boottime_ns;
    start.vm.realtime_ns = now_.vm.realtime_ns;
    for (std::size_t id = 0; id < start.vcpus.size(); ++id)
        start.vcpus[id].tsc_offset = now_.vcpus[id].tsc_offset;
    start.vcpus[0].regs = boot.regs;
    start.vcpus[0].sregs = boot.sregs;
    // The timer falls silent first: a tick between the chips' and its own reset would stay in the
    // PIC and reach the guest with the vector of a PIC that nobody has set up.
    SEGUE_TRY(write_vm(vm_, start.vm));
    return write_all(start);
}

} // namespace segue::vmm

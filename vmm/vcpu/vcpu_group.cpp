// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/vcpu_group.hpp"

#include "vmm/vcpu/scheduling.hpp"

namespace segue::vmm {

VcpuGroup::VcpuGroup(const Buses& buses, GuestEvents& told)
    : exits_(buses, *this)
    , told_(told) {
    shared_.exits = &exits_;
}

Result<std::unique_ptr<VcpuGroup>> VcpuGroup::create(std::vector<Vcpu> vcpus, const Buses& buses,
                                                     GuestEvents& told) {
    SEGUE_TRY(install_kick_handler());
    std::unique_ptr<VcpuGroup> group(new VcpuGroup(buses, told));
    for (Vcpu& vcpu : vcpus)
        group->threads_.push_back(std::make_unique<VcpuThread>(group->shared_, std::move(vcpu)));
    return group;
}

VcpuGroup::~VcpuGroup() {
    (void)stop(Deadline::never()); // so that none is still telling an event to the others
    throttle(0);
    unbind();
    shared_.orders.give(Order::Quit, 0);
    threads_.clear();
}

// They end with the caller's scheduling: where the next generation has the guest, its vCPU with a
// real-time policy leaves their CPU to nobody.
void VcpuGroup::unbind() noexcept {
    const auto own = scheduling_of(0);
    for (const auto& thread : threads_)
        if (const auto its = scheduling_of(thread->tid()); own && its)
            (void)reschedule(thread->tid(), *its, *own).ok();
}

void VcpuGroup::close_gate() noexcept {
    for (auto& thread : threads_)
        thread->vcpu().exit_now();
}

Status VcpuGroup::stop(Deadline deadline) {
    if (running_) {
        {
            const std::lock_guard lock(gate_);
            close_gate();
        }
        shared_.orders.give(Order::Park, static_cast<unsigned>(size()));
        for (auto& thread : threads_)
            thread->kick();
        if (!shared_.orders.wait_done(deadline)) {
            resume();
            const std::lock_guard lock(gate_);
            running_ = !event_; // else none goes in again: run() has to let them
            return Error(Code::Deadline, "stop the vCPUs: not all left the guest in time");
        }
        running_ = false;
    }
    return refused_by_event();
}

Status VcpuGroup::refused_by_event() const {
    const std::lock_guard lock(gate_);
    if (!event_)
        return {};
    const char* name = name_of(event_->kind);
    return Error(Code::Refused, std::string("the guest is not running: ") + name)
        .with("event", name);
}

void VcpuGroup::resume() noexcept {
    {
        const std::lock_guard lock(gate_);
        if (event_)
            return;
        for (auto& thread : threads_)
            thread->vcpu().allow_run();
    }
    shared_.orders.give(Order::Run, 0);
}

void VcpuGroup::run() noexcept {
    if (running_)
        return;
    running_ = true;
    resume();
}

std::vector<const Vcpu*> VcpuGroup::vcpus() const {
    std::vector<const Vcpu*> all;
    for (const auto& thread : threads_)
        all.push_back(&thread->vcpu());
    return all;
}

void VcpuGroup::throttle(unsigned percent) noexcept {
    std::vector<pid_t> tids;
    for (const auto& thread : threads_)
        tids.push_back(thread->tid());
    shared_.turns.set(percent, tids, kick_signal());
}

Status VcpuGroup::do_work(VcpuWork work) {
    shared_.work = work;
    shared_.orders.give(Order::Work, static_cast<unsigned>(size()));
    (void)shared_.orders.wait_done(Deadline::never());
    for (auto& thread : threads_)
        SEGUE_TRY(std::move(thread->result()));
    return {};
}

void VcpuGroup::guest_event(const GuestEvent& event) {
    {
        const std::lock_guard lock(gate_);
        if (event_)
            return;
        event_ = event;
        shared_.halted.store(true);
        close_gate();
    }
    for (auto& thread : threads_)
        thread->kick();
    told_.guest_event(event);
}

void VcpuGroup::forget_event() {
    const std::lock_guard lock(gate_);
    event_.reset();
    shared_.halted.store(false);
}

} // namespace segue::vmm

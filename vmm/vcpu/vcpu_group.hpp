// SPDX-License-Identifier: Apache-2.0
// vcpu_group.hpp - all vCPUs of the guest: in, out, and at work between.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/ports/vcpus.hpp"
#include "vmm/vcpu/vcpu_thread.hpp"

namespace segue::vmm {

// The gate: from creation on immediate_exit is 1 on every vCPU, so KVM_RUN comes back at once;
// run() alone opens it. A guest event closes it again and keeps it closed until forget_event().
class VcpuGroup final : public ports::Vcpus, public GuestEvents {
public:
    // `told` hears of guest events. The buses must outlive the group, which must outlive no device.
    static Result<std::unique_ptr<VcpuGroup>> create(std::vector<Vcpu> vcpus, const Buses& buses,
                                                     GuestEvents& told);
    ~VcpuGroup() override;

    Status stop(Deadline deadline) override;
    void run() noexcept override;
    void throttle(unsigned percent) noexcept override;

    std::size_t size() const { return threads_.size(); }
    // Of the thread of vCPU `id`; after the first on_each(). [any]
    pid_t tid(std::size_t id) const { return threads_[id]->tid(); }
    // Calls work(vcpu) on every vCPU's thread, all at once; gives the first vCPU's error. vCPUs
    // stopped, or never run. [controller]
    template <class F>
    Status on_each(F&& work) {
        return do_work({[](void* with, Vcpu& vcpu) -> Status {
                            return (*static_cast<std::remove_reference_t<F>*>(with))(vcpu);
                        },
                        &work});
    }

    // As Exits::when_ring_full(). vCPUs never run. [controller]
    void when_ring_full(std::function<Status()> empty) { exits_.when_ring_full(std::move(empty)); }
    // In the order of their ids.
    std::vector<const Vcpu*> vcpus() const;

    // From a device or an exit. [vcpu]
    void guest_event(const GuestEvent& event) override;
    // The guest has been reset. vCPUs stopped. [controller]
    void forget_event();

private:
    VcpuGroup(const Buses& buses, GuestEvents& told);
    Status do_work(VcpuWork work);
    void resume() noexcept;
    void unbind() noexcept;
    void close_gate() noexcept;
    Status refused_by_event() const;

    Exits exits_;
    GuestEvents& told_;
    VcpuShared shared_;
    bool running_ = false;    // [controller]
    mutable std::mutex gate_; // guards immediate_exit against event_, and event_
    std::optional<GuestEvent> event_;
    std::vector<std::unique_ptr<VcpuThread>> threads_;
};

} // namespace segue::vmm

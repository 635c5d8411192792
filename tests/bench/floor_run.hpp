// SPDX-License-Identifier: Apache-2.0
// floor_run.hpp - the floor of every update: the same KVM state moved between two VMs in one
// process with bare calls, the second VM's vCPU threads waiting and warm.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/result.hpp>

#include "core/observer/observer.hpp"
#include "tests/bench/floor_vcpu.hpp"
#include "tests/bench/gaps.hpp"
#include "vmm/kvm/bare_machine.hpp"

namespace segue::bench {

// One move, in microseconds.
struct FloorTimes {
    double stand_still = 0; // as the guest tells it
    double kick = 0;        // asked to stop, until the last vCPU had left the guest
    double read = 0;
    double write = 0;
    double first_tick = 0; // woken, until a counter moved
    double whole() const { return kick + read + write + first_tick; }
};

// The metronome, moving from VM to VM. [one thread, which is
// pinned to the observer's core]
class Floor {
public:
    static Result<std::unique_ptr<Floor>> start(unsigned ram_mib, unsigned vcpus);
    ~Floor();

    // Makes another VM over the same RAM and moves the guest into it.
    Result<FloorTimes> move();

private:
    struct Side {
        vmm::BareMachine machine;
        vmm::KvmState state;
        std::vector<std::unique_ptr<FloorVcpu>> threads;
    };
    Floor(vmm::Kvm kvm, UniqueFd ram_fd, Mapping ram, unsigned vcpus);
    Result<std::unique_ptr<Side>> make_side();
    Status boot();
    Status hand_over(Side& to, FloorTimes& times);
    std::vector<const std::uint64_t*> counters() const;
    Status wait_for_tick(const std::vector<std::uint64_t>& before) const;
    std::vector<std::uint64_t> read_counters() const;

    vmm::Kvm kvm_;
    UniqueFd ram_fd_;
    Mapping ram_;
    unsigned vcpus_;
    std::vector<int> cores_;
    std::unique_ptr<Side> running_;
    std::unique_ptr<observer::Observer> watch_;
    std::optional<Gaps> gaps_;
};

} // namespace segue::bench

// SPDX-License-Identifier: Apache-2.0
// pace_test.cpp - a guest with a rate writes no faster than that, and leaves the CPU alone.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include <segue/cpp/sys.hpp>

#include "vmm/metronome/test_machine.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

template <class F>
bool eventually(F f) {
    for (const Deadline deadline = Deadline::in(30s); !f(); std::this_thread::sleep_for(2ms))
        if (deadline.passed())
            return false;
    return true;
}

class MetronomePace : public testing::Test {
protected:
    void boot(const std::string& rate) {
        machine_.emplace(2, 64ull << 20, "vcpus=2 print=0 share=1M rate=" + rate);
        machine_->start();
        ASSERT_TRUE(eventually([&] { return slot(0).passes > 0 && slot(1).passes > 0; }))
            << "they fill their shares first, at full speed";
    }
    volatile segue_page_slot& slot(unsigned i) { return machine_->page()->slot[i]; }
    bool seen_halted(unsigned vcpu) {
        return eventually([&] {
            kvm_mp_state now = {};
            machine_->on_vcpu(vcpu, [&](int fd) {
                EXPECT_TRUE(sys::ioctl(fd, KVM_GET_MP_STATE, &now, "KVM_GET_MP_STATE").ok());
            });
            return now.mp_state == KVM_MP_STATE_HALTED;
        });
    }
    void expect_unharmed() {
        for (unsigned i = 0; i < 2; i++) {
            EXPECT_EQ(slot(i).mem_errors + slot(i).reg_errors + slot(i).tsc_backward, 0u);
            EXPECT_EQ(slot(i).state & SEGUE_STATE_FAULT, 0u)
                << "vector " << slot(i).fault_vector << " at " << slot(i).fault_rip;
        }
    }
    std::optional<TestMachine> machine_;
};

TEST_F(MetronomePace, RewritesSoMuchASecondAndHaltsInBetween) {
    boot("4M");
    const auto from = slot(1).passes;
    const auto began = Clock::now();
    ASSERT_TRUE(eventually([&] { return slot(1).passes >= from + 4; }));
    EXPECT_GT(Clock::now() - began, 700ms) << "three sweeps of 1 MiB and a part of one";
    EXPECT_TRUE(seen_halted(0));
    EXPECT_TRUE(seen_halted(1));
    expect_unharmed();
}

TEST_F(MetronomePace, OrOnlyCounts) {
    boot("0");
    const auto from = slot(0).counter, passes = slot(0).passes;
    EXPECT_TRUE(seen_halted(0));
    EXPECT_TRUE(eventually([&] { return slot(0).counter > from + 100; })) << "at each tick";
    EXPECT_EQ(slot(0).passes, passes);
    machine_->type('q');
    EXPECT_EQ(machine_->wait_end(Deadline::in(30s)), TestMachine::End::PowerOff);
    expect_unharmed();
}

} // namespace
} // namespace segue::vmm

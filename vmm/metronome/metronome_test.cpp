// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "core/observer/observer.hpp"
#include "vmm/metronome/test_machine.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;
using End = TestMachine::End;

constexpr std::uint64_t ram_bytes = 64ull << 20;

template <class F>
bool eventually(F f) {
    const Deadline deadline = Deadline::in(30s);
    while (!f()) {
        if (deadline.passed())
            return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

class Metronome : public testing::TestWithParam<unsigned> {
protected:
    unsigned vcpus() const { return GetParam(); }
    std::string command_line() const {
        return "vcpus=" + std::to_string(vcpus()) + " print=50 share=1M";
    }
    volatile segue_page_slot& slot(unsigned i) { return machine_.page()->slot[i]; }
    bool booted() {
        return eventually([&] { return machine_.page()->header.magic == SEGUE_PAGE_MAGIC; });
    }
    // What a test that failed needs to know.
    std::string story() {
        std::string text = machine_.console();
        for (unsigned i = 0; i < vcpus(); i++)
            text += "vCPU " + std::to_string(i) + " state " + std::to_string(slot(i).state) +
                    " counter " + std::to_string(slot(i).counter) + " passes " +
                    std::to_string(slot(i).passes) + " vector " +
                    std::to_string(slot(i).fault_vector) + " at " +
                    std::to_string(slot(i).fault_rip) + '\n';
        return text;
    }
    // Every vCPU has verified its whole share at least twice since now.
    bool swept() {
        for (unsigned i = 0; i < vcpus(); i++) {
            const auto until = slot(i).passes + 3;
            if (!eventually([&] { return slot(i).passes >= until; }))
                return false;
        }
        return true;
    }
    void expect_no_errors() {
        for (unsigned i = 0; i < vcpus(); i++) {
            EXPECT_EQ(slot(i).mem_errors, 0u) << "vCPU " << i;
            EXPECT_EQ(slot(i).reg_errors, 0u) << "vCPU " << i << " which " << slot(i).reg_bad;
            EXPECT_EQ(slot(i).tsc_backward, 0u) << "vCPU " << i;
            EXPECT_EQ(slot(i).state & SEGUE_STATE_FAULT, 0u)
                << "vCPU " << i << " vector " << slot(i).fault_vector << " at "
                << slot(i).fault_rip;
        }
    }

    // Runs `f` while the vCPU is in its loop with all of its signature in place: not in C, and not
    // half way through a round.
    void in_loop(unsigned vcpu, const std::function<void(int fd, kvm_regs& regs)>& f) {
        bool done = false;
        EXPECT_TRUE(eventually([&] {
            machine_.on_vcpu(vcpu, [&](int fd) {
                kvm_regs regs = {};
                done = sys::ioctl(fd, KVM_GET_REGS, &regs, "KVM_GET_REGS").ok() &&
                       regs.r12 + regs.r13 == ~0ull && regs.r14 + regs.r15 == 0;
                if (done)
                    f(fd, regs);
            });
            return done;
        }));
    }
    void plant(unsigned vcpu, std::uint64_t which,
               const std::function<void(int fd, kvm_regs& regs)>& change);
    // With the share of 1 MiB in one run: rdi is its end, rbp where the walk is. A page in the
    // other half of it, so that the walk is not inside.
    std::uint64_t quiet_page(const kvm_regs& regs) {
        const std::uint64_t begin = regs.rdi - (1 << 20);
        return regs.rbp < begin + (1 << 19) ? begin + (3 << 18) : begin + (1 << 18);
    }

    TestMachine machine_{GetParam(), ram_bytes, command_line()};
};

TEST_P(Metronome, EveryVcpuCountsSweepsAndTakesTicks) {
    machine_.start();
    ASSERT_TRUE(booted()) << machine_.console();
    EXPECT_EQ(machine_.page()->header.vcpus, vcpus());
    EXPECT_EQ(machine_.page()->header.boot_count, 1u);
    EXPECT_EQ(machine_.page()->header.ram_bytes, ram_bytes);
    ASSERT_TRUE(swept());
    for (unsigned i = 0; i < vcpus(); i++) {
        const auto count = slot(i).counter, ticks = slot(i).timer_ticks;
        EXPECT_TRUE(eventually([&] { return slot(i).counter > count; }));
        EXPECT_TRUE(eventually([&] { return slot(i).timer_ticks > ticks + 2; }));
    }
    EXPECT_TRUE(eventually([&] { return slot(0).pit_ticks > 2; }));
    EXPECT_TRUE(eventually(
        [&] { return machine_.console().find("reg_errors=0 gap") != std::string::npos; }));
    expect_no_errors();
}

TEST_P(Metronome, PowersOff) {
    machine_.start();
    ASSERT_TRUE(booted()) << story();
    machine_.type('q');
    EXPECT_EQ(machine_.wait_end(Deadline::in(30s)), End::PowerOff);
    EXPECT_EQ(machine_.exit_code(), 0);
}

TEST_P(Metronome, ResetsAndCountsTheBoot) {
    machine_.start();
    ASSERT_TRUE(booted()) << story();
    machine_.type('r');
    ASSERT_EQ(machine_.wait_end(Deadline::in(30s)), End::Reset);
    machine_.restart();
    EXPECT_TRUE(eventually([&] { return machine_.page()->header.boot_count == 2; }));
    EXPECT_TRUE(swept());
    expect_no_errors();
}

TEST_P(Metronome, TripleFaults) {
    machine_.start();
    ASSERT_TRUE(booted()) << story();
    machine_.type('t');
    EXPECT_EQ(machine_.wait_end(Deadline::in(30s)), End::TripleFault);
}

TEST_P(Metronome, SeesAByteThatItSpoiledItself) {
    machine_.start();
    ASSERT_TRUE(booted() && swept()) << story();
    machine_.type('e');
    EXPECT_TRUE(eventually([&] { return slot(0).mem_errors == 1; }));
    EXPECT_TRUE(swept());
    EXPECT_EQ(slot(0).mem_errors, 1u) << "one wrong word is one error, not one in each sweep";
    EXPECT_EQ(slot(0).mem_expected ^ slot(0).mem_found, 1u);
    EXPECT_TRUE(
        eventually([&] { return machine_.console().find("mem_errors=1 ") != std::string::npos; }));
}

TEST_P(Metronome, SeesAPageOfASweepBefore) {
    machine_.start();
    ASSERT_TRUE(booted() && swept()) << story();
    const unsigned last = vcpus() - 1;
    std::byte* at = nullptr;
    std::vector<std::byte> old(4096);
    in_loop(last, [&](int, kvm_regs& regs) {
        at = machine_.ram() + quiet_page(regs);
        std::memcpy(old.data(), at, old.size());
    });
    ASSERT_TRUE(swept());
    bool planted = false;
    EXPECT_TRUE(eventually([&] {
        in_loop(last, [&](int, kvm_regs& regs) {
            planted = machine_.ram() + quiet_page(regs) == at;
            if (planted)
                std::memcpy(at, old.data(), old.size());
        });
        return planted;
    }));
    ASSERT_TRUE(swept());
    EXPECT_EQ(slot(last).mem_errors, 512u);
    EXPECT_EQ(slot(last).mem_bad_pages, 1u);
    EXPECT_EQ(slot(last).mem_address, static_cast<std::uint64_t>(at - machine_.ram()));
}

TEST_P(Metronome, SeesAPageThatIsAnother) {
    machine_.start();
    ASSERT_TRUE(booted() && swept()) << story();
    in_loop(0, [&](int, kvm_regs& regs) {
        std::byte* at = machine_.ram() + quiet_page(regs);
        std::memcpy(at, at + 4096, 4096);
    });
    ASSERT_TRUE(swept());
    EXPECT_EQ(slot(0).mem_errors, 512u);
    EXPECT_EQ(slot(0).mem_bad_pages, 1u);
}

// Changes a register from outside; the guest says which, once, and starts a new signature. A
// change of FS or GS base that falls between its check and its next value is lost: then again.
void Metronome::plant(unsigned vcpu, std::uint64_t which,
                      const std::function<void(int fd, kvm_regs& regs)>& change) {
    volatile segue_page_slot& s = slot(vcpu);
    s.reg_bad = 0;
    s.reg_errors = 0;
    EXPECT_TRUE(eventually([&] {
        in_loop(vcpu, change);
        const auto round = s.counter + 640; // ten rounds on
        return eventually([&] { return s.counter > round; }) && s.reg_errors != 0;
    }));
    EXPECT_EQ(s.reg_bad, which);
    EXPECT_EQ(s.reg_errors, 1u);
}

void change_xsave(int fd, unsigned byte) {
    kvm_xsave state = {};
    ASSERT_TRUE(sys::ioctl(fd, KVM_GET_XSAVE, &state, "KVM_GET_XSAVE"));
    reinterpret_cast<std::uint8_t*>(&state)[byte] ^= 0x10;
    ASSERT_TRUE(sys::ioctl(fd, KVM_SET_XSAVE, &state, "KVM_SET_XSAVE"));
}

TEST_P(Metronome, SaysWhichRegisterChanged) {
    machine_.start();
    ASSERT_TRUE(booted() && swept()) << story();
    const unsigned last = vcpus() - 1;
    const std::uint64_t one = 1;
    // Offsets of the XSAVE area (Intel SDM volume 1, 13.4): x87 at 32, xmm at 160, AVX at 576.
    plant(last, one << (SEGUE_REG_X87 + 3), [](int fd, kvm_regs&) { change_xsave(fd, 32 + 48); });
    plant(last, one << (SEGUE_REG_XMM + 5), [](int fd, kvm_regs&) { change_xsave(fd, 160 + 89); });
    if ((slot(last).state & SEGUE_STATE_AVX) != 0)
        plant(last, one << (SEGUE_REG_YMM + 12),
              [](int fd, kvm_regs&) { change_xsave(fd, 576 + 192); });
    plant(last, one << SEGUE_REG_GPR_SEQUENCE, [](int fd, kvm_regs& regs) {
        regs.r12 ^= 1; // too low a bit for FS base
        ASSERT_TRUE(sys::ioctl(fd, KVM_SET_REGS, &regs, "KVM_SET_REGS"));
    });
    if ((slot(last).state & SEGUE_STATE_FSGS) == 0)
        return;
    for (const bool fs : {true, false})
        plant(last, one << (fs ? SEGUE_REG_FS : SEGUE_REG_GS), [fs](int fd, kvm_regs&) {
            kvm_sregs sregs = {};
            ASSERT_TRUE(sys::ioctl(fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS"));
            (fs ? sregs.fs : sregs.gs).base ^= 0x1000;
            ASSERT_TRUE(sys::ioctl(fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS"));
        });
}

TEST_P(Metronome, NeverStoresItsSignature) {
    machine_.start();
    ASSERT_TRUE(booted() && swept()) << story();
    for (int i = 0; i < 20; i++)
        in_loop(0, [&](int, kvm_regs& regs) {
            for (const std::uint64_t value : {regs.r12, regs.r13})
                EXPECT_EQ(::memmem(machine_.ram(), ram_bytes, &value, sizeof value), nullptr);
        });
}

// Runs `f` while vCPUs `first` and up stand still.
void while_stopped(TestMachine& machine, unsigned first, unsigned vcpus,
                   const std::function<void()>& f) {
    if (first == vcpus)
        f();
    else
        machine.on_vcpu(first, [&](int) { while_stopped(machine, first + 1, vcpus, f); });
}

TEST_P(Metronome, StandsStillAsTheObserverAndItsOwnTscSay) {
    machine_.start();
    ASSERT_TRUE(booted()) << story();
    auto observer = observer::Observer::start({{machine_.ram_path(), 0}}, -1, Deadline::in(30s));
    ASSERT_TRUE(observer.ok());
    for (unsigned i = 0; i < vcpus(); i++)
        slot(i).gap_cycles = ~0ull;
    machine_.type('g');
    for (unsigned i = 0; i < vcpus(); i++)
        ASSERT_TRUE(eventually([&] { return slot(i).gap_cycles != ~0ull; }));
    (*observer)->reset();
    while_stopped(machine_, 0, vcpus(), [] { std::this_thread::sleep_for(100ms); });
    const auto m = (*observer)->snapshot();
    ASSERT_EQ(m.vcpus.size(), vcpus());
    EXPECT_GE(m.blackout.at_most, 100ms);
    EXPECT_GE(m.blackout.length + 4 * m.own.length, 100ms);
    const auto cycles = 100 * machine_.page()->header.tsc_khz;
    for (unsigned i = 0; i < vcpus(); i++) {
        EXPECT_GE(m.vcpus[i].longest.at_most, 100ms);
        EXPECT_EQ(m.vcpus[i].backward, 0u);
        EXPECT_TRUE(eventually([&] { return slot(i).gap_cycles >= cycles * 99 / 100; }));
    }
    expect_no_errors();
}

INSTANTIATE_TEST_SUITE_P(Vcpus, Metronome, testing::Values(1u, 4u));

} // namespace
} // namespace segue::vmm

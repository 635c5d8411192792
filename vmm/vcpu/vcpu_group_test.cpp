// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/vcpu_group.hpp"

#include <gtest/gtest.h>

#include <array>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "vmm/boot/pvh.hpp"
#include "vmm/devices/recording_events.hpp"
#include "vmm/kvm/bare_machine.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 0x500;

// Reads as 1, 2, 3 and so on; each may be held up by the test.
class HeldPort final : public PortDevice {
public:
    void write(std::uint16_t, std::span<const std::byte>) override {}
    void read(std::uint16_t, std::span<std::byte> data) override {
        std::unique_lock lock(mutex_);
        ++last_;
        std::memcpy(data.data(), &last_, data.size());
        ++inside_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return !held_; });
        --inside_;
    }
    void hold(bool held) {
        const std::lock_guard lock(mutex_);
        held_ = held;
        changed_.notify_all();
    }
    bool wait_inside() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return inside_ != 0; });
    }
    bool wait_beyond(std::uint32_t value) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return last_ > value; });
    }
    std::uint32_t last() {
        const std::lock_guard lock(mutex_);
        return last_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;
    int inside_ = 0;
    std::uint32_t last_ = 0;
};

// One vCPU that reads the port for ever: in eax, dx; jmp.
class VcpuGroupTest : public testing::Test {
protected:
    static constexpr std::array<unsigned char, 3> kCode = {0xed, 0xeb, 0xfd};

    void SetUp() override {
        ASSERT_TRUE(buses.ports.attach(kPort, 4, port).ok());
        auto machine = BareMachine::make(kvm, ram.span(), 1);
        ASSERT_TRUE(machine.ok());
        std::memcpy(ram.data() + 0x1000, kCode.data(), kCode.size());
        vm = std::move(machine->vm);
        std::vector<Vcpu> vcpus;
        vcpus.push_back(std::move(*machine->vcpus[0]));
        group = VcpuGroup::create(std::move(vcpus), buses, events).value();
        const Status entered = group->on_each([](Vcpu& vcpu) -> Status {
            kvm_sregs2 sregs = {};
            SEGUE_TRY(call(vcpu, KVM_GET_SREGS2, &sregs));
            BootVcpu boot = pvh_vcpu(0x1000, sregs);
            boot.regs.rdx = kPort;
            SEGUE_TRY(call(vcpu, KVM_SET_SREGS2, &boot.sregs));
            return call(vcpu, KVM_SET_REGS, &boot.regs);
        });
        ASSERT_TRUE(entered.ok());
    }
    template <class T>
    static Status call(Vcpu& vcpu, unsigned long request, T* value) {
        const auto r = sys::ioctl(vcpu.fd(), request, value, "a vCPU's registers");
        return r ? Status() : Status(r.error());
    }
    std::uint64_t eax() {
        kvm_regs regs = {};
        EXPECT_TRUE(
            group->on_each([&](Vcpu& vcpu) { return call(vcpu, KVM_GET_REGS, &regs); }).ok());
        return regs.rax;
    }

    Kvm kvm = Kvm::open().value();
    Mapping ram =
        Mapping::make(4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0, "ram")
            .value();
    Vm vm;
    HeldPort port;
    Buses buses;
    RecordingEvents events;
    std::unique_ptr<VcpuGroup> group;
};

TEST_F(VcpuGroupTest, NoExitIsHalfDoneOnceStopped) {
    for (int i = 0; i < 100; ++i) {
        const std::uint32_t before = port.last();
        group->run();
        ASSERT_TRUE(port.wait_beyond(before));
        ASSERT_TRUE(group->stop(Deadline::in(10s)).ok());
        // What the device has given has arrived: that happens in the KVM_RUN after the exit.
        ASSERT_EQ(eax(), port.last());
    }
}

TEST_F(VcpuGroupTest, AThrottledVcpuIsOutOfTheGuestForItsPartOfTheTime) {
    const auto on_cpu = [this] {
        std::int64_t ns = 0;
        std::ifstream("/proc/self/task/" + std::to_string(group->tid(0)) + "/schedstat") >> ns;
        return std::chrono::nanoseconds(ns);
    };
    group->run();
    ASSERT_TRUE(port.wait_beyond(0));
    group->throttle(90);
    const auto began = std::chrono::steady_clock::now();
    const auto before = on_cpu();
    std::this_thread::sleep_for(500ms);
    const auto ran = on_cpu() - before;
    EXPECT_LT(ran.count(), (std::chrono::steady_clock::now() - began).count() / 2);
    EXPECT_GT(ran.count(), 0) << "it goes on";
    group->throttle(99);
    ASSERT_TRUE(group->stop(Deadline::in(10s)).ok());
    ASSERT_EQ(eax(), port.last()) << "no nap between an exit and its completion counts";
    group->run();
    ASSERT_TRUE(port.wait_beyond(port.last()));
    group->throttle(0);
    ASSERT_TRUE(port.wait_beyond(port.last() + 1000));
    ASSERT_TRUE(group->stop(Deadline::in(10s)).ok());
}

TEST_F(VcpuGroupTest, TheGateIsOpenOnlyWhileItRuns) {
    bool closed = false;
    auto look = [&](Vcpu& vcpu) -> Status {
        closed = vcpu.shared().immediate_exit == 1;
        return {};
    };
    EXPECT_TRUE(group->on_each(look).ok());
    EXPECT_TRUE(closed); // from creation
    group->run();
    ASSERT_TRUE(port.wait_beyond(0));
    ASSERT_TRUE(group->stop(Deadline::in(10s)).ok());
    EXPECT_TRUE(group->on_each(look).ok());
    EXPECT_TRUE(closed);
}

TEST_F(VcpuGroupTest, GoesOnWhereTheDeadlinePassed) {
    port.hold(true);
    group->run();
    ASSERT_TRUE(port.wait_inside());
    EXPECT_EQ(group->stop(Deadline::in(5ms)).code(), Code::Deadline);
    port.hold(false);
    EXPECT_TRUE(port.wait_beyond(port.last() + 10));
    EXPECT_TRUE(group->stop(Deadline::in(10s)).ok());
}

TEST_F(VcpuGroupTest, AnEventWhileStoppingIsToldAndRefused) {
    port.hold(true);
    group->run();
    ASSERT_TRUE(port.wait_inside());
    GuestEvent event;
    event.kind = GuestEvent::Kind::Reset;
    group->guest_event(event); // as a device would
    port.hold(false);
    const Status stopped = group->stop(Deadline::in(10s));
    ASSERT_EQ(stopped.code(), Code::Refused);
    EXPECT_EQ(stopped.error().detail("event"), "reset");
    EXPECT_EQ(events.all().size(), 1u);
    const std::uint32_t last = port.last();
    group->run(); // of no effect before forget_event()
    EXPECT_EQ(group->stop(Deadline::in(10s)).code(), Code::Refused);
    EXPECT_EQ(port.last(), last);
}

TEST_F(VcpuGroupTest, ATripleFaultIsAnEvent) {
    std::memset(ram.data() + 0x1000, 0x0f, 1);
    std::memset(ram.data() + 0x1001, 0x0b, 1);
    group->run();
    ASSERT_TRUE(events.wait(1, Deadline::in(10s)));
    EXPECT_EQ(events.all()[0].kind, GuestEvent::Kind::TripleFault);
}

TEST_F(VcpuGroupTest, WorkGivesItsError) {
    const Status s = group->on_each([](Vcpu&) -> Status { return Error(Code::Unsupported, "no"); });
    EXPECT_EQ(s.code(), Code::Unsupported);
    EXPECT_TRUE(group->on_each([](Vcpu&) -> Status { return {}; }).ok());
}

} // namespace
} // namespace segue::vmm

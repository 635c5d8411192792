// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/vcpu_placement.hpp"

#include <gmock/gmock.h>
#include <sched.h>

#include "vmm/devices/recording_events.hpp"
#include "vmm/kvm/bare_machine.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

constexpr unsigned kVcpus = 2;

// The vCPU threads of one generation.
struct Threads {
    Threads() {
        BareMachine machine = BareMachine::make(kvm, ram.span(), kVcpus).value();
        vm = std::move(machine.vm);
        std::vector<Vcpu> vcpus;
        for (auto& vcpu : machine.vcpus)
            vcpus.push_back(std::move(*vcpu));
        group = VcpuGroup::create(std::move(vcpus), buses, events).value();
        EXPECT_TRUE(group->on_each([](Vcpu&) { return Status(); }));
    }
    Scheduling of(std::size_t vcpu) const { return scheduling_of(group->tid(vcpu)).value(); }

    Kvm kvm = Kvm::open().value();
    Mapping ram =
        Mapping::make(4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0, "ram")
            .value();
    Vm vm;
    Buses buses;
    RecordingEvents events;
    std::unique_ptr<VcpuGroup> group;
};

class VcpuPlacementTest : public testing::Test {
protected:
    void describe(std::size_t vcpu, const Scheduling& s) {
        manifest.begin("vcpu-thread", std::to_string(vcpu), 1);
        encode(manifest, s);
        manifest.end();
    }
    Result<VcpuPlacement> read() {
        reader.emplace(state::Reader::parse(manifest.finish()).value());
        return VcpuPlacement::read(*reader, *next.group);
    }
    static Scheduling batch(Scheduling s) {
        s.attr.policy = SCHED_BATCH;
        s.attr.nice = 8;
        return s;
    }

    Threads old, next;
    state::Writer manifest{state::Header{}};
    std::optional<state::Reader> reader;
};

TEST_F(VcpuPlacementTest, IsAppliedWhenTheOldOnesStandStill) {
    const Scheduling usual = next.of(0), wanted = batch(usual);
    ASSERT_TRUE(reschedule(old.group->tid(1), usual, wanted));
    ASSERT_TRUE(VcpuPlacement::describe(*old.group, manifest));
    const auto placement = read();
    ASSERT_TRUE(placement) << placement.error().what();
    EXPECT_TRUE(reader->all_taken());
    EXPECT_EQ(next.of(1), usual) << "before its time";
    const Status tried = placement->try_out();
    EXPECT_TRUE(tried) << tried.error().what();
    EXPECT_EQ(next.of(1), usual) << "after a trial";
    EXPECT_TRUE(placement->apply().empty());
    EXPECT_EQ(next.of(0), usual);
    EXPECT_EQ(next.of(1), wanted);
}

TEST_F(VcpuPlacementTest, WhatTheHostLacksIsFoundByTheTrialAndOnlyWarnedOfAtTheEnd) {
    Scheduling wanted = batch(next.of(0));
    wanted.cpus = {};
    wanted.cpus.bytes.back() = std::byte{0x80}; // CPU 8191
    describe(0, next.of(0));
    describe(1, wanted);
    const auto placement = read();
    ASSERT_TRUE(placement);
    const Status tried = placement->try_out();
    ASSERT_FALSE(tried);
    EXPECT_THAT(tried.error().what(), HasSubstr("the thread of vCPU 1: bind to CPUs 8191"));
    EXPECT_EQ(tried.error().detail("vcpu"), "1");
    const auto refused = placement->apply();
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].what(), tried.error().what());
    EXPECT_EQ(next.of(1).attr, wanted.attr) << "what it does allow";
}

TEST_F(VcpuPlacementTest, AnOlderVmmCarriedNone) {
    const auto placement = read();
    ASSERT_TRUE(placement);
    const Scheduling usual = next.of(0);
    EXPECT_TRUE(placement->try_out());
    EXPECT_TRUE(placement->apply().empty());
    EXPECT_EQ(next.of(0), usual);
}

TEST_F(VcpuPlacementTest, OneForEachVcpuAndNoMore) {
    const auto read_of = [this](std::initializer_list<std::size_t> vcpus) {
        manifest.restart({});
        for (const std::size_t id : vcpus)
            describe(id, next.of(0));
        return read().code();
    };
    EXPECT_EQ(read_of({0, 1}), Code::Ok);
    EXPECT_EQ(read_of({1}), Code::NotFound);
    EXPECT_EQ(read_of({0, 1, 2}), Code::Corrupt);
}

} // namespace
} // namespace segue::vmm

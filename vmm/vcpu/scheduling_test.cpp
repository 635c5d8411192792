// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/scheduling.hpp"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "core/state/reader.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

constexpr std::size_t kNoSuchCpu = 8191;

CpuMask mask_of(std::initializer_list<std::size_t> cpus) {
    CpuMask mask;
    for (const std::size_t cpu : cpus)
        mask.bytes[cpu / 8] |= std::byte{1} << (cpu % 8);
    return mask;
}

// One that the test may use.
std::size_t some_cpu() {
    cpu_set_t set;
    EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set))
            return cpu;
    return 0;
}

// What is done to a thread ends with it.
template <class F>
void on_a_thread(F work) {
    std::thread(work).join();
}

Scheduling own() {
    auto s = scheduling_of(0);
    EXPECT_TRUE(s) << s.error().what();
    return s ? *s : Scheduling{};
}

TEST(Scheduling, SaysWhatATasksetAndAChrtHaveSet) {
    on_a_thread([] {
        const std::size_t cpu = some_cpu();
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        ASSERT_EQ(::sched_setaffinity(0, sizeof set, &set), 0);
        const sched_param none = {};
        ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &none), 0);
        ASSERT_EQ(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 7), 0);
        const Scheduling s = own();
        EXPECT_EQ(s.attr.policy, static_cast<std::uint32_t>(SCHED_BATCH));
        EXPECT_EQ(s.attr.nice, 7);
        EXPECT_EQ(to_string(s.attr), "SCHED_BATCH, nice 7");
        if (::sysconf(_SC_NPROCESSORS_ONLN) > 1)
            EXPECT_EQ(to_string(s.cpus), std::to_string(cpu));
        else
            EXPECT_EQ(s.cpus, CpuMask::any());
    });
}

TEST(Scheduling, AThreadThatNobodyBoundHasEveryCpuThereIs) {
    on_a_thread([] {
        const CpuMask all = CpuMask::any();
        const auto* set = reinterpret_cast<const cpu_set_t*>(all.bytes.data());
        ASSERT_EQ(::sched_setaffinity(0, all.bytes.size(), set), 0);
        cpu_set_t now;
        ASSERT_EQ(::sched_getaffinity(0, sizeof now, &now), 0);
        // Fewer: the test runs in a cpuset.
        EXPECT_EQ(own().cpus == all, CPU_COUNT(&now) >= ::sysconf(_SC_NPROCESSORS_ONLN));
    });
}

TEST(Scheduling, IsTheSameOnAnotherThread) {
    on_a_thread([] {
        const Scheduling before = own();
        Scheduling wanted = before;
        wanted.attr.policy = SCHED_BATCH;
        wanted.attr.nice = 9;
        if (::sysconf(_SC_NPROCESSORS_ONLN) > 1)
            wanted.cpus = mask_of({some_cpu()});
        const Status s = reschedule(0, before, wanted);
        ASSERT_TRUE(s) << s.error().what();
        EXPECT_EQ(own(), wanted);
    });
}

TEST(Scheduling, NamesTheCpusThatTheHostLacks) {
    on_a_thread([] {
        const Scheduling before = own();
        Scheduling wanted = before;
        wanted.attr.nice = 9;
        const std::string cpu = std::to_string(some_cpu());
        wanted.cpus = mask_of({some_cpu(), kNoSuchCpu});
        Status s = reschedule(0, before, wanted);
        ASSERT_EQ(s.code(), Code::Refused);
        EXPECT_EQ(s.error().what(), "bind to CPUs " + cpu + ",8191: the host allows only " + cpu);
        EXPECT_THAT(s.error().way_out(), HasSubstr("cpuset"));
        EXPECT_EQ(own().attr.nice, 9) << "what it does allow";
        wanted.cpus = mask_of({kNoSuchCpu});
        s = reschedule(0, before, wanted);
        ASSERT_FALSE(s);
        EXPECT_THAT(s.error().what(), HasSubstr("CPUs 8191"));
    });
}

TEST(Scheduling, AskedForWhatNoThreadCanHaveTheHostSaysSo) {
    on_a_thread([] {
        Scheduling wanted = own();
        wanted.attr.policy = SCHED_FIFO; // with priority 0
        const Status s = reschedule(0, own(), wanted);
        ASSERT_FALSE(s);
        EXPECT_THAT(s.error().what(), HasSubstr("SCHED_FIFO"));
        EXPECT_THAT(s.error().way_out(), HasSubstr("CAP_SYS_NICE"));
    });
}

// A section with these fields, and one of them replaced.
class SchedulingState : public testing::Test {
protected:
    Result<Scheduling> decoded() {
        reader_.emplace(state::Reader::parse(writer_.finish()).value());
        return decode_scheduling(**reader_->take("t"));
    }
    Result<Scheduling> from(std::span<const std::byte> cpus, std::uint64_t policy,
                            std::uint64_t flags, std::int64_t nice, std::uint64_t priority) {
        writer_.restart({});
        writer_.begin("t", "", 1);
        writer_.put_bytes("cpus", cpus);
        writer_.put("policy", policy);
        writer_.put("flags", flags);
        writer_.put_signed("nice", nice);
        writer_.put("priority", priority);
        for (const char* time : {"runtime", "deadline", "period"})
            writer_.put(time, 0);
        writer_.end();
        return decoded();
    }
    state::Writer writer_{state::Header{}};
    std::optional<state::Reader> reader_;
};

TEST_F(SchedulingState, ComesBack) {
    Scheduling s;
    s.attr.policy = SCHED_FIFO;
    s.attr.priority = 42;
    s.attr.flags = 1;
    s.attr.nice = -20;
    s.attr.runtime = 3'000'000;
    for (const CpuMask& cpus :
         {CpuMask::any(), mask_of({0}), mask_of({3, 64, 65}), mask_of({kNoSuchCpu})}) {
        s.cpus = cpus;
        writer_.restart({});
        writer_.begin("t", "", 1);
        encode(writer_, s);
        writer_.end();
        const auto back = decoded();
        ASSERT_TRUE(back) << back.error().what();
        EXPECT_EQ(*back, s) << to_string(cpus);
    }
}

TEST_F(SchedulingState, WhatNoThreadCanHaveIsNamed) {
    const std::vector<std::byte> cpu = {std::byte{1}}, none(3), long_mask(1025, std::byte{1});
    ASSERT_TRUE(from(cpu, 0, 0, 19, 99));
    const auto key = [](const Result<Scheduling>& r) {
        EXPECT_EQ(r.code(), Code::Corrupt);
        return r ? "" : r.error().detail("key");
    };
    EXPECT_EQ(key(from(none, 0, 0, 0, 0)), "cpus");
    EXPECT_EQ(key(from(long_mask, 0, 0, 0, 0)), "cpus");
    EXPECT_EQ(key(from(cpu, 0, 8, 0, 0)), "flags");
    EXPECT_EQ(key(from(cpu, 0, 0, 20, 0)), "nice");
    EXPECT_EQ(key(from(cpu, 0, 0, -21, 0)), "nice");
    EXPECT_EQ(key(from(cpu, 0, 0, 0, 100)), "priority");
    EXPECT_EQ(from(cpu, 1ull << 32, 0, 0, 0).code(), Code::Corrupt); // policy
}

TEST(CpuMask, ReadsAsAListDoes) {
    EXPECT_EQ(to_string(mask_of({0, 1, 2, 3, 8})), "0-3,8");
    EXPECT_EQ(to_string(mask_of({7, 8})), "7-8");
    EXPECT_EQ(to_string(mask_of({kNoSuchCpu})), "8191");
    EXPECT_EQ(to_string(CpuMask::any()), "any CPU");
}

} // namespace
} // namespace segue::vmm

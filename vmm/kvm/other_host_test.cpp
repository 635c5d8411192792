// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/other_host.hpp"

#include <gtest/gtest.h>

namespace segue::vmm {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

KvmState elsewhere() {
    KvmState s;
    s.vm.boot_id = "there";
    s.vm.clock.flags = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
    s.vm.clock.clock = 500;
    s.vm.clock.realtime = 1000 * kSecond;
    s.vm.clock.host_tsc = 7'000'000'000;
    s.vcpus.resize(2);
    s.vcpus[0].tsc_khz = s.vcpus[1].tsc_khz = 3'000'000;
    s.vcpus[0].tsc_offset = 11;
    s.vcpus[1].tsc_offset = static_cast<std::uint64_t>(-6'000'000'000); // as usual: TSC from 0 on
    return s;
}

// What the guest reads of the TSC at that moment.
std::uint64_t guest_tsc(const VcpuState& vcpu, std::uint64_t host_tsc) {
    return host_tsc + vcpu.tsc_offset;
}

TEST(OtherHost, TheGuestsClocksGoOnByTheTimeThatPassed) {
    KvmState s = elsewhere();
    const std::uint64_t before = guest_tsc(s.vcpus[1], s.vm.clock.host_tsc);
    const HostMoment now = {1000 * kSecond + 2 * kSecond, 123}; // a host that has just booted
    ASSERT_TRUE(carry_over(s, "here", now));
    EXPECT_EQ(guest_tsc(s.vcpus[1], now.tsc) - before, 6'000'000'000u);
    EXPECT_EQ(guest_tsc(s.vcpus[0], now.tsc), 7'000'000'000u + 11 + 6'000'000'000u);
    EXPECT_EQ(s.vm.clock.clock, 500u + 2 * kSecond);
    EXPECT_EQ(s.vm.clock.realtime, static_cast<std::uint64_t>(now.realtime_ns));
    EXPECT_EQ(s.vm.boot_id, "here");
    KvmState again = s;
    ASSERT_TRUE(carry_over(again, "here", {2000 * kSecond, 5})) << "of this boot by now";
    EXPECT_EQ(again.vcpus[0].tsc_offset, s.vcpus[0].tsc_offset);
}

TEST(OtherHost, AYearIsNotTooLong) {
    KvmState s = elsewhere();
    const std::int64_t year = 365 * 86400 * kSecond;
    ASSERT_TRUE(carry_over(s, "here", {1000 * kSecond + year, 0}));
    EXPECT_EQ(guest_tsc(s.vcpus[0], 0), 7'000'000'000u + 11 + 365ull * 86400 * 3'000'000'000u);
}

TEST(OtherHost, WhereItsWallClockIsAheadNoClockGoesBack) {
    KvmState s = elsewhere();
    ASSERT_TRUE(carry_over(s, "here", {999 * kSecond, 40}));
    EXPECT_EQ(guest_tsc(s.vcpus[0], 40), 7'000'000'000u + 11);
    EXPECT_EQ(s.vm.clock.clock, 500u);
}

TEST(OtherHost, WithoutAMomentOfBothClocksItIsRefused) {
    KvmState s = elsewhere();
    s.vm.clock.flags = KVM_CLOCK_REALTIME;
    const Status refused = carry_over(s, "here", {1001 * kSecond, 0});
    ASSERT_EQ(refused.code(), Code::Refused);
    EXPECT_EQ(refused.error().detail("boot_id"), "there");
    EXPECT_FALSE(refused.error().way_out().empty());
    s.vm.boot_id = "here";
    EXPECT_TRUE(carry_over(s, "here", {1001 * kSecond, 0})) << "not needed within one boot";
}

TEST(OtherHost, AMomentIsNow) {
    const HostMoment a = host_moment(), b = host_moment();
    EXPECT_LT(a.tsc, b.tsc);
    EXPECT_LE(a.realtime_ns, b.realtime_ns);
    EXPECT_FALSE(this_boot().empty());
}

} // namespace
} // namespace segue::vmm

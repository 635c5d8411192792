// SPDX-License-Identifier: Apache-2.0
// The CPU that a guest is shown, from its first boot through its generations.
#include <gmock/gmock.h>

#include "core/base/list.hpp"
#include "vmm/kvm/cpu_baselines.hpp"
#include "vmm/kvm/cpu_features.hpp"
#include "vmm/machine/test_guest.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Error failure(Status status) {
    return status ? Error(Code::Ok, "") : std::move(status).error();
}

class GuestCpu : public testing::Test {
protected:
    static CpuidEntries this_host() {
        const Kvm kvm = Kvm::open().value();
        const Vm vm = Vm::create(kvm).value();
        return host_cpuid(kvm, vm, true).value();
    }
    static Error boot(TestGuest& guest, const std::string& cpu, bool nested = false) {
        MachineConfig config = test_config(2, ConsoleKind::None);
        config.cpu = {cpu, nested};
        return failure(guest.machine.create(config, guest.inventory));
    }
    static std::vector<std::byte> manifest_of(TestGuest& guest) {
        state::Writer writer{state::Header()};
        EXPECT_TRUE(guest.machine.describe(writer).ok());
        const auto bytes = writer.finish();
        return {bytes.begin(), bytes.end()};
    }
    static CpuidEntries shown_by(std::span<const std::byte> manifest) {
        const auto reader = state::Reader::parse(manifest).value();
        return decode_shape(*reader.take("cpu", "1").value()).value().cpuid;
    }
    // The manifest of the same guest, had its first host had one feature more.
    static std::vector<std::byte> with(const char* feature, TestGuest& guest) {
        const auto manifest = manifest_of(guest);
        const auto reader = state::Reader::parse(manifest).value();
        state::Writer writer{state::Header()};
        for (const state::Section& s : reader.sections()) {
            if (s.name() != "cpu") {
                copy_section(writer, s);
                continue;
            }
            VcpuShape shape = decode_shape(s).value();
            EXPECT_TRUE(add_feature(shape.cpuid, feature));
            encode(writer, static_cast<unsigned>(s.instance()[0] - '0'), shape);
        }
        const auto bytes = writer.finish();
        return {bytes.begin(), bytes.end()};
    }
};

TEST_F(GuestCpu, ABaselineIsTheGuestsInEachGeneration) {
    const std::string best(best_baseline(this_host()));
    ASSERT_NE(best, "");
    auto guest = std::make_unique<TestGuest>(test_inventory(64 << 20));
    ASSERT_EQ(boot(*guest, best).what(), "");
    guest->start();
    ASSERT_TRUE(guest->counts());
    const CpuidEntries wanted = baseline_cpuid(best, this_host()).value();
    for (int generation = 0; generation < 3; ++generation) {
        const auto manifest = manifest_of(*guest);
        const CpuidEntries shown = shown_by(manifest);
        EXPECT_TRUE(lacking_features(shown, wanted).empty())
            << list_of(lacking_features(shown, wanted));
        EXPECT_TRUE(lacking_features(wanted, shown).empty());
        const auto plan = state::Reader::parse(manifest).value();
        auto next = std::make_unique<TestGuest>(copy_of(guest->inventory));
        ASSERT_EQ(failure(next->machine.build(plan, next->inventory)).what(), "");
        ASSERT_EQ(failure(next->machine.rehearse()).what(), "");
        ASSERT_TRUE(guest->stop().ok());
        ASSERT_TRUE(guest->machine.devices().settle(Deadline::in(5s)).ok());
        state::Writer saved{state::Header()};
        ASSERT_TRUE(guest->machine.save(saved).ok());
        const auto state = state::Reader::parse(saved.finish()).value();
        ASSERT_EQ(failure(next->machine.load(state)).what(), "");
        guest = std::move(next);
        guest->start();
        ASSERT_TRUE(guest->counts(true)) << generation;
        EXPECT_EQ(guest->complaint(), "");
    }
}

TEST_F(GuestCpu, WhatThisHostHasNotIsRefusedBeforeTheGuestStarts) {
    for (const std::string_view name : kBaselines) {
        TestGuest guest(test_inventory(64 << 20));
        const Error e = boot(guest, std::string(name));
        EXPECT_EQ(e.detail("features"), list_of(lacking_of_baseline(name, this_host())));
        EXPECT_EQ(e.code() == Code::Refused, !lacking_of_baseline(name, this_host()).empty());
    }
    TestGuest guest(test_inventory(64 << 20));
    EXPECT_EQ(boot(guest, "x86-64-v9").code(), Code::Invalid);
    TestGuest nested(test_inventory(64 << 20));
    EXPECT_EQ(boot(nested, "host", true).code(),
              shows_nesting(this_host()) ? Code::Ok : Code::Refused);
}

TEST_F(GuestCpu, ASuccessorThatLacksAFeatureNamesItBeforeThePause) {
    TestGuest guest(test_inventory(64 << 20));
    ASSERT_EQ(boot(guest, "host").what(), "");
    const auto manifest = with("pbe", guest); // KVM gives that to nobody
    TestGuest probe(test_inventory(64 << 20)), standby(copy_of(guest.inventory));
    const auto read = [&] { return state::Reader::parse(manifest).value(); };
    ASSERT_EQ(failure(standby.machine.build(read(), standby.inventory)).what(), "");
    for (const Error& e : {failure(probe.machine.check(read(), probe.inventory)),
                           failure(standby.machine.rehearse())}) {
        EXPECT_EQ(e.code(), Code::Refused);
        EXPECT_THAT(e.what(), HasSubstr("has pbe"));
        EXPECT_EQ(e.detail("features"), "pbe");
        EXPECT_THAT(e.way_out(), HasSubstr("guest.cpu"));
    }
}

} // namespace
} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/machine.hpp"

#include <gmock/gmock.h>

#include <segue/cpp/sys.hpp>

#include "vmm/machine/test_guest.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class MachineTest : public testing::TestWithParam<unsigned> {
protected:
    void SetUp() override {
        guest = TestGuest::boot(GetParam());
        ASSERT_NE(guest, nullptr);
    }
    // The one event there will be, with everything standing still.
    GuestEvent only_event() {
        EXPECT_TRUE(guest->events.wait(1, Deadline::in(30s)));
        const Status stopped = guest->stop();
        EXPECT_EQ(stopped.code(), Code::Refused);
        const auto all = guest->events.all();
        EXPECT_EQ(all.size(), 1u);
        if (all.empty() || stopped)
            return {};
        EXPECT_EQ(stopped.error().detail("event"), name_of(all[0].kind));
        return all[0];
    }
    std::unique_ptr<TestGuest> guest;
};

INSTANTIATE_TEST_SUITE_P(Vcpus, MachineTest, testing::Values(1, 4));

TEST_P(MachineTest, NothingRunsBeforeTheGateOpens) {
    guest->machine.devices().activate();
    ASSERT_TRUE(guest->machine.rehearse().ok());
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(guest->page().header.magic, 0u);
    EXPECT_EQ(guest->page().header.boot_count, 0u);
    guest->machine.vcpus().run();
    EXPECT_TRUE(guest->counts(true));
    EXPECT_EQ(guest->complaint(), "");
}

TEST_P(MachineTest, TheConsoleTellsOfTheBoot) {
    const auto tty = sys::open(guest->machine.config().console.path, O_RDWR | O_NOCTTY).value();
    guest->start();
    std::string text;
    EXPECT_TRUE(eventually([&] {
        char buffer[256];
        pollfd p = {tty.get(), POLLIN, 0};
        if (::poll(&p, 1, 100) == 1)
            text.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(
                                    0, ::read(tty.get(), buffer, sizeof buffer))));
        return text.find("up_ms=") != std::string::npos;
    })) << text;
    EXPECT_THAT(text, HasSubstr("boot=1 vcpus=" + std::to_string(GetParam()) + " ram_kib="));
}

TEST_P(MachineTest, PowersOffWithItsCode) {
    guest->start();
    ASSERT_TRUE(guest->counts());
    guest->type('q');
    const GuestEvent event = only_event();
    EXPECT_EQ(event.kind, GuestEvent::Kind::Shutdown);
    EXPECT_EQ(event.code, 0u);
    const auto counters = guest->counters();
    guest->machine.vcpus().run(); // of no effect: the guest has ended
    std::this_thread::sleep_for(5ms);
    EXPECT_EQ(guest->counters(), counters);
}

TEST_P(MachineTest, TripleFaults) {
    guest->start();
    ASSERT_TRUE(guest->counts());
    guest->type('t');
    EXPECT_EQ(only_event().kind, GuestEvent::Kind::TripleFault);
}

TEST_P(MachineTest, ResetsAndBootsAgain) {
    guest->start();
    ASSERT_TRUE(guest->counts());
    for (std::uint64_t boot = 2; boot < 5; ++boot) {
        guest->type('r');
        ASSERT_TRUE(guest->events.wait(boot - 1, Deadline::in(30s)));
        EXPECT_EQ(guest->events.all().back().kind, GuestEvent::Kind::Reset);
        EXPECT_EQ(guest->stop().code(), Code::Refused);
        const Status reset = guest->machine.reset();
        ASSERT_TRUE(reset.ok()) << reset.error().what();
        EXPECT_TRUE(guest->stop().ok());
        guest->start();
        ASSERT_TRUE(eventually([&] { return guest->page().header.boot_count == boot; }));
        ASSERT_TRUE(guest->counts(true));
    }
    guest->page().header.boot_count = 1; // what else it noticed
    EXPECT_EQ(guest->complaint(), "");
}

TEST_P(MachineTest, StandsStillBetweenStopAndRun) {
    guest->start();
    ASSERT_TRUE(guest->counts());
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(guest->stop().ok());
        ASSERT_TRUE(guest->stop().ok()); // idempotent
        const auto stopped = guest->counters();
        if (i % 20 == 0)
            std::this_thread::sleep_for(1ms);
        ASSERT_EQ(guest->counters(), stopped);
        guest->machine.vcpus().run();
        ASSERT_TRUE(i % 20 != 0 || guest->counts());
    }
    EXPECT_TRUE(guest->counts(true));
    EXPECT_EQ(guest->complaint(), "");
}

Error failure(Status status) {
    return status ? Error(Code::Ok, "") : std::move(status).error();
}

// Moves the guest as the engine would, in place.
std::unique_ptr<TestGuest> moved(TestGuest& old) {
    state::Writer manifest{state::Header()};
    EXPECT_TRUE(old.machine.describe(manifest).ok());
    const auto plan = state::Reader::parse(manifest.finish()).value();
    auto next = std::make_unique<TestGuest>(copy_of(old.inventory));
    EXPECT_EQ(failure(next->machine.build(plan, next->inventory)).what(), "");
    EXPECT_EQ(failure(next->machine.rehearse()).what(), "");
    EXPECT_EQ(failure(plan.all_taken()).what(), "");
    EXPECT_TRUE(old.machine.devices().settle(Deadline::in(5s)).ok());
    EXPECT_EQ(failure(old.stop()).what(), "");
    EXPECT_TRUE(old.machine.devices().quiesce().ok());
    state::Writer saved{state::Header()};
    EXPECT_TRUE(old.machine.save(saved).ok());
    const auto state = state::Reader::parse(saved.finish()).value();
    EXPECT_EQ(failure(next->machine.load(state)).what(), "");
    EXPECT_EQ(failure(state.all_taken()).what(), "");
    next->start();
    return next;
}

// What may differ between a save and a save of what was loaded from it, no vCPU having run: the
// clocks and timers, which go on.
std::string comparable(const state::Section& section, const state::Field& field) {
    for (const char* moving : {"clock", "boottime_ns", "realtime_ns", "lapic", "msrs"})
        if (field.key == moving)
            return {};
    std::string bytes(reinterpret_cast<const char*>(field.bytes.data()), field.bytes.size());
    if (section.name() == "vm" && field.key == "pit")
        for (auto& channel : reinterpret_cast<kvm_pit_state2*>(bytes.data())->channels)
            channel.count_load_time = 0;
    if (section.name() == "vm" && field.key == "pic_master") { // the PIT may have ticked
        auto& pic = *reinterpret_cast<kvm_pic_state*>(bytes.data());
        pic.irr &= static_cast<__u8>(~1u);
        pic.last_irr &= static_cast<__u8>(~1u);
    }
    return bytes + std::to_string(field.number);
}

TEST_P(MachineTest, TheOtherSideHoldsWhatWasSaved) {
    guest->start();
    ASSERT_TRUE(guest->counts(true));
    ASSERT_TRUE(guest->stop().ok());
    ASSERT_TRUE(guest->machine.devices().quiesce().ok());
    state::Writer manifest{state::Header()}, before{state::Header()}, after{state::Header()};
    ASSERT_TRUE(guest->machine.describe(manifest).ok());
    ASSERT_TRUE(guest->machine.save(before).ok());
    const auto plan = state::Reader::parse(manifest.finish()).value();
    const auto saved = state::Reader::parse(before.finish()).value();
    TestGuest next(copy_of(guest->inventory));
    ASSERT_TRUE(next.machine.build(plan, next.inventory).ok());
    ASSERT_TRUE(next.machine.load(saved).ok());
    ASSERT_TRUE(next.machine.save(after).ok());
    const auto loaded = state::Reader::parse(after.finish()).value();
    ASSERT_EQ(saved.sections().size(), loaded.sections().size());
    for (const state::Section& s : saved.sections())
        for (const state::Field& f : s.fields()) {
            const state::Section* there = loaded.take(s.name(), s.instance()).value();
            EXPECT_EQ(comparable(s, f), comparable(*there, *there->find(f.key)))
                << s.name() << " " << s.instance() << " " << f.key;
        }
}

TEST_P(MachineTest, MovesTwentyTimesUnnoticed) {
    guest->start();
    ASSERT_TRUE(guest->counts(true));
    for (int i = 0; i < 20; ++i) {
        guest = moved(*guest);
        ASSERT_TRUE(guest->counts(i % 5 == 4)) << i;
        ASSERT_EQ(guest->complaint(), "") << i;
    }
    guest->type('q'); // the console and its interrupts have come along
    EXPECT_EQ(only_event().kind, GuestEvent::Kind::Shutdown);
}

TEST_P(MachineTest, GoesOnWhereItWasAfterARollback) {
    guest->start();
    ASSERT_TRUE(guest->counts());
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(guest->machine.devices().settle(Deadline::in(5s)).ok());
        ASSERT_TRUE(guest->stop().ok());
        ASSERT_TRUE(guest->machine.devices().quiesce().ok());
        state::Writer saved{state::Header()};
        ASSERT_TRUE(guest->machine.save(saved).ok());
        guest->start();
        ASSERT_TRUE(guest->counts());
    }
    EXPECT_TRUE(guest->counts(true));
    EXPECT_EQ(guest->complaint(), "");
}

// The area of the ACPI tables as the guest has it.
std::span<std::byte> acpi_area(const TestGuest& guest) {
    return {guest.inventory.blocks()[0].base() + kAcpiArea, kVideoHoleEnd - kAcpiArea};
}

TEST_P(MachineTest, AResetBringsTheAcpiTablesOfTheFirstBootBack) {
    const auto first = acpi_area(*guest);
    const std::vector<std::byte> tables(first.begin(), first.end());
    EXPECT_EQ(std::memcmp(tables.data(), "RSD PTR ", 8), 0);
    guest->start();
    ASSERT_TRUE(guest->counts());
    guest = moved(*guest);
    ASSERT_TRUE(guest->stop().ok());
    const auto area = acpi_area(*guest);
    std::fill(area.begin(), area.begin() + 4096, std::byte{0});
    ASSERT_EQ(failure(guest->machine.reset()).what(), "");
    EXPECT_TRUE(std::equal(tables.begin(), tables.end(), area.begin()));
}

TEST_P(MachineTest, AMovedGuestResets) {
    guest->start();
    ASSERT_TRUE(guest->counts());
    guest = moved(*guest);
    ASSERT_TRUE(guest->counts());
    guest->type('r');
    ASSERT_EQ(only_event().kind, GuestEvent::Kind::Reset);
    ASSERT_EQ(failure(guest->machine.reset()).what(), "");
    guest->start();
    EXPECT_TRUE(eventually([&] { return guest->page().header.boot_count == 2; }));
    EXPECT_TRUE(guest->counts(true));
}

void copy_without(state::Writer& to, const state::Reader& from, const state::Section& left_out) {
    for (const state::Section& s : from.sections()) {
        if (&s == &left_out)
            continue;
        copy_section(to, s);
    }
}

// What an older VMM does not write at all may be missing altogether.
bool is_new(const state::Section& left_out, const state::Reader& rest) {
    const auto same = [&](const state::Section& s) { return s.name() == left_out.name(); };
    return (left_out.name() == "process" || left_out.name() == "vcpu-thread") &&
           std::none_of(rest.sections().begin(), rest.sections().end(), same);
}

TEST_P(MachineTest, AMissingSectionIsNamed) {
    state::Writer manifest{state::Header()}, saved{state::Header()};
    ASSERT_TRUE(guest->machine.describe(manifest).ok());
    ASSERT_TRUE(guest->machine.save(saved).ok());
    const auto plan = state::Reader::parse(manifest.finish()).value();
    const auto whole = state::Reader::parse(saved.finish()).value();
    // vm, vcpu, acpi-pm, rtc, serial, console, pci
    ASSERT_EQ(whole.sections().size(), 6 + GetParam());
    for (const state::Section& left_out : plan.sections()) {
        state::Writer partial{state::Header()};
        copy_without(partial, plan, left_out);
        const auto reader = state::Reader::parse(partial.finish()).value();
        TestGuest next(copy_of(guest->inventory));
        const Error e = failure(next.machine.build(reader, next.inventory));
        if (is_new(left_out, reader)) {
            EXPECT_EQ(e.code(), Code::Ok) << left_out.name();
            continue;
        }
        EXPECT_EQ(e.code(), Code::NotFound) << left_out.name();
        EXPECT_THAT(e.what(), HasSubstr(std::string(left_out.name())));
    }
    TestGuest next(copy_of(guest->inventory));
    ASSERT_TRUE(next.machine.build(plan, next.inventory).ok());
    for (const state::Section& left_out : whole.sections()) {
        state::Writer partial{state::Header()};
        copy_without(partial, whole, left_out);
        const auto reader = state::Reader::parse(partial.finish()).value();
        const Error e = failure(next.machine.load(reader));
        EXPECT_EQ(e.code(), Code::NotFound) << left_out.name();
        EXPECT_THAT(e.what(), HasSubstr(std::string(left_out.name())));
    }
}

TEST(Machine, RefusesWhatItCannotMake) {
    RecordingEvents events;
    for (const unsigned vcpus : {0u, 65u}) {
        auto inventory = test_inventory(64 << 20);
        EXPECT_EQ(Machine(events).create(test_config(vcpus), inventory).code(), Code::Invalid);
    }
    auto inventory = test_inventory(64 << 20);
    MachineConfig config = test_config(1, ConsoleKind::None);
    config.boot.kernel = "/nonexistent/kernel";
    const Error e = failure(Machine(events).create(config, inventory));
    EXPECT_EQ(e.code(), Code::NotFound);
    EXPECT_THAT(e.what(), HasSubstr("/nonexistent/kernel"));
}

TEST(Machine, RefusesAnotherMachineVersion) {
    state::Writer writer{state::Header()};
    writer.begin("machine", "", 1);
    writer.put_text("version", "segue-99");
    writer.end();
    const auto manifest = state::Reader::parse(writer.finish()).value();
    TestGuest guest(test_inventory(64 << 20));
    const Error e = failure(guest.machine.build(manifest, guest.inventory));
    EXPECT_EQ(e.code(), Code::Unsupported);
    EXPECT_EQ(e.detail("machine"), "segue-99");
}

} // namespace
} // namespace segue::vmm

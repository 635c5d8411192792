// SPDX-License-Identifier: Apache-2.0
// test_guest.hpp - a machine with the metronome in it, for tests.
#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "core/base/deadline.hpp"
#include "core/observer/page.h"
#include "vmm/devices/recording_events.hpp"
#include "vmm/machine/machine.hpp"

namespace segue::vmm {

// Waits up to 30 s for what a working machine does in milliseconds.
template <class F>
bool eventually(F condition) {
    const Deadline deadline = Deadline::in(std::chrono::seconds(30));
    while (!condition()) {
        if (deadline.passed())
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

// One memfd block of `bytes`.
inventory::Inventory test_inventory(std::uint64_t bytes);
// What a new generation would have been sent: duplicates, mapped anew.
inventory::Inventory copy_of(const inventory::Inventory& inventory);
MachineConfig test_config(unsigned vcpus, ConsoleKind console = ConsoleKind::Pty);

// For a container like another.
void copy_section(state::Writer& to, const state::Section& section);

// A generation: inventory, events, machine. The older may be destroyed first.
struct TestGuest {
    explicit TestGuest(inventory::Inventory i)
        : inventory(std::move(i)) {}
    // First boot, not yet running.
    static std::unique_ptr<TestGuest> boot(unsigned vcpus, std::uint64_t bytes = 64 << 20);

    volatile segue_page& page() const {
        return *reinterpret_cast<volatile segue_page*>(inventory.blocks()[0].base() +
                                                       SEGUE_PAGE_GPA);
    }
    void start() {
        machine.devices().activate();
        machine.vcpus().run();
    }
    Status stop() { return machine.vcpus().stop(Deadline::in(std::chrono::seconds(10))); }
    // Into the console's other end.
    void type(char command) const;
    std::vector<std::uint64_t> counters() const;
    // Every vCPU has counted since now; with `sweeps`, has verified its whole share twice, too.
    bool counts(bool sweeps = false) const;
    // The first error that the guest has noticed, or "".
    std::string complaint() const;

    inventory::Inventory inventory;
    RecordingEvents events;
    Machine machine{events};
};

} // namespace segue::vmm

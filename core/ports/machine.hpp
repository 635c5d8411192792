// SPDX-License-Identifier: Apache-2.0
// machine.hpp - the virtual machine, as the engine sees it: described, built, saved, loaded.
#pragma once

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::inventory {
class Inventory;
}

namespace segue::ports {

// Implemented by vmm; faked in tests. [update, or main before it]
class Machine {
public:
    virtual ~Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // Old side, guest running: writes the sections of the machine manifest that build() needs on
    // the other side (vCPUs, CPUID, capabilities, slots, devices).
    virtual Status describe(state::Writer& manifest) = 0;
    // New side, guest running on the old one: makes the whole machine from the manifest over the
    // inventory's RAM blocks; runs no vCPU, writes no guest RAM.
    virtual Status build(const state::Reader& manifest, const inventory::Inventory& inventory) = 0;
    // Instead of build(), in a probe: whether it would succeed here. Takes the same sections; the
    // blocks of `inventory` are as large as the guest's, and empty.
    virtual Status check(const state::Reader& manifest, const inventory::Inventory& inventory) = 0;
    // New side, after build(), guest running on the old one: proves that load() will work, and
    // touches everything that it will touch.
    virtual Status rehearse() = 0;
    // Old side, vCPUs stopped, devices quiet: the state sections.
    virtual Status save(state::Writer& state) = 0;
    // New side: restores them. Sections that are not the machine's stay untaken.
    virtual Status load(const state::Reader& state) = 0;
    // New side, after load() in a rehearsal, no vCPU has run: whether a save would say the same.
    // REFUSED names what would not.
    virtual Status compare() = 0;

    // To another host. Old side, guest running: REFUSED names what of it cannot go there.
    virtual Status check_leaving() = 0;
    // Then, the guest running: the host begins to write to its disks what let_go() would have to
    // wait for. Waits for none of it.
    virtual void write_out() noexcept = 0;
    // Old side, the guest given away: what only one host may hold is let go (locks of disks, once
    // what was written is on them).
    virtual Status let_go() = 0;
    // Whoever is to run the guest next, on either side: takes that. REFUSED: somebody else has it.
    virtual Status take_hold() = 0;

protected:
    Machine() = default;
};

} // namespace segue::ports

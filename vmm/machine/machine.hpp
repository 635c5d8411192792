// SPDX-License-Identifier: Apache-2.0
// machine.hpp - one guest's virtual machine.
#pragma once

#include <memory>
#include <optional>

#include "core/inventory/inventory.hpp"
#include "core/ports/machine.hpp"
#include "vmm/acpi/table.hpp"
#include "vmm/kvm/codec.hpp"
#include "vmm/machine/config.hpp"
#include "vmm/machine/device_set.hpp"
#include "vmm/machine/host_process.hpp"
#include "vmm/machine/kvm_dirty_log.hpp"
#include "vmm/machine/kvm_mover.hpp"
#include "vmm/machine/vcpu_placement.hpp"
#include "vmm/memory/guest_ram.hpp"
#include "vmm/memory/ram_fault.hpp"
#include "vmm/memory/ram_placement.hpp"

namespace segue::vmm {

// Made by create() or build(), once; then vcpus() and devices() are there. No vCPU runs before
// vcpus().run(), no device works before devices().activate(). The inventory outlives it. [main,
// then update; one thread at a time]
class Machine final : public ports::Machine {
public:
    // `events` hears what the guest does to itself.
    explicit Machine(GuestEvents& events)
        : events_(events) {}

    // Before any of the others: where each of them is to keep the RAM.
    void place_ram(RamPlacement placement) { ram_placement_ = std::move(placement); }

    // The vCPUs get rings of so many entries for what they write; 0: KVM keeps bitmaps.
    void use_dirty_rings(std::uint32_t entries) { dirty_ring_entries_ = entries; }

    // First boot: opens the console and what the devices stand for (into the inventory), loads the
    // kernel.
    Status create(const MachineConfig& config, inventory::Inventory& inventory);
    // Boots the guest again after a guest event. vCPUs stopped.
    Status reset();
    // Wakes the guest after it has gone to sleep, as a PC's firmware does: processors and devices
    // are reset, RAM stays. vCPUs stopped.
    Status wake();
    // The guest was told of S3 at its first boot. [any, after create() or build()]
    bool offers_suspend() const { return acpi::offers_suspend(acpi_tables_); }
    // The guest's own shutdown then ends in a guest event. [any, after create() or build()]
    Status press_power_button() { return devices_->acpi_pm().press_power_button(); }

    // nullptr: it has none. [any, after create() or build()]
    BalloonSize* balloon() { return host_.balloon.get(); }

    // A guest that rested: opens what its devices stand for again, before build(). Where it is not
    // as it was left, the state will not load, but for the disks of these ids.
    Status reopen(const std::vector<DeviceConfig>& devices,
                  const std::vector<std::string>& changed_disks, inventory::Inventory& inventory);

    // A guest that runs on another host: the same, before it comes. What only one host may hold is
    // left to the other.
    Status join(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory);

    // The guest is this process's for good, and runs: what of the old one's would otherwise have
    // changed under it. [main]
    void settle_in();

    // As made; a pty's path included.
    const MachineConfig& config() const { return config_; }
    // Descriptors whose end the guest is not to wait for. [any, after create() or build()]
    std::vector<int> slow_to_close() const;
    ports::Vcpus& vcpus() { return *vcpus_; }
    ports::Devices& devices() { return *devices_; }
    ports::DirtyLog& dirty_log() { return *dirty_log_; }

    Status describe(state::Writer& manifest) override;
    Status build(const state::Reader& manifest, const inventory::Inventory& inventory) override;
    Status check(const state::Reader& manifest, const inventory::Inventory& inventory) override;
    Status rehearse() override;
    Status save(state::Writer& state) override;
    Status load(const state::Reader& state) override;
    Status compare() override { return mover_->compare(); }
    // Whether RAM may get other pages under its addresses. [update]
    Status check_moving() const;
    Status check_leaving() override;
    void write_out() noexcept override;
    Status let_go() override;
    Status take_hold() override;

private:
    Status open_vm();
    Status check_cpu() const;
    Status rebuild(const state::Reader& manifest, const inventory::Inventory& inventory,
                   ConsoleBackend console);
    Status assemble(const std::vector<Capability>& capabilities, std::vector<VcpuShape> shapes,
                    const inventory::Inventory& inventory, ConsoleBackend console);
    Status plug_in_devices(ConsoleBackend console);
    Status make_dirty_log();
    Status place_vcpus();

    GuestEvents& events_;
    MachineConfig config_;
    std::vector<VcpuShape> shapes_; // by vCPU
    acpi::Bytes acpi_tables_;       // as they were made at the first boot
    Kvm kvm_;
    Vm vm_;
    RamPlacement ram_placement_;
    std::uint32_t dirty_ring_entries_ = 0;
    GuestRam ram_;
    NamedRam named_ram_;
    const inventory::Inventory* inventory_ = nullptr; // from assemble() on
    Buses buses_;
    // In this order: the vCPUs' threads end before the devices and the rings that they reach.
    std::unique_ptr<WriteLog> write_log_;
    std::unique_ptr<DeviceSet> devices_;
    std::unique_ptr<VcpuGroup> vcpus_;
    std::unique_ptr<KvmMover> mover_;
    std::unique_ptr<KvmDirtyLog> dirty_log_;
    // Of the VMM before this one.
    std::optional<HostProcess> process_;
    VcpuPlacement placement_;
    HostSide host_;
    bool joined_ = false;  // as join() says
    bool entered_ = false; // each vCPU has been in KVM_RUN
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// pci_devices.hpp - the PCI bus with what the configuration has plugged into it.
#pragma once

#include <memory>
#include <vector>

#include "vmm/machine/device_config.hpp"
#include "vmm/machine/host_side.hpp"
#include "vmm/machine/kvm_pci_host.hpp"
#include "vmm/pci/root.hpp"
#include "vmm/virtio/pci_device.hpp"

namespace segue::vmm {

// [main, then update]
class PciDevices {
public:
    // All outlive it. `port_cf9`: see pci::Root.
    static Result<std::unique_ptr<PciDevices>> create(const std::vector<DeviceConfig>& devices,
                                                      const HostSide& host, Vm& vm, Buses& buses,
                                                      const GuestRam& ram, PortDevice& port_cf9);

    pci::Root& root() { return root_; }
    const std::vector<std::unique_ptr<virtio::PciDevice>>& functions() const { return functions_; }
    // After the functions have been loaded.
    void commit_routes() noexcept { host_.commit_routes(); }

private:
    PciDevices(Vm& vm, Buses& buses)
        : host_(vm, buses.mmio) {}

    KvmPciHost host_;
    pci::Root root_;
    std::vector<std::unique_ptr<virtio::PciDevice>> functions_; // by slot
};

} // namespace segue::vmm

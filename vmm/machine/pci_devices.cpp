// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/pci_devices.hpp"

#include "vmm/machine/device_factory.hpp"

namespace segue::vmm {

Result<std::unique_ptr<PciDevices>> PciDevices::create(const std::vector<DeviceConfig>& devices,
                                                       const HostSide& host, Vm& vm, Buses& buses,
                                                       const GuestRam& ram, PortDevice& port_cf9) {
    std::unique_ptr<PciDevices> pci(new PciDevices(vm, buses));
    SEGUE_TRY(pci->root_.attach_to(buses, port_cf9));
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(auto model, make_model(d, host));
        SEGUE_ASSIGN(auto function, virtio::PciDevice::create(pci->host_, d.slot, std::move(model),
                                                              ram, {.packed = d.packed()}));
        SEGUE_TRY(pci->root_.plug(d.slot, *function));
        pci->functions_.push_back(std::move(function));
    }
    return pci;
}

} // namespace segue::vmm

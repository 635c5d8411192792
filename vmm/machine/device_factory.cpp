// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/device_factory.hpp"

#include "vmm/machine/factories/factory.hpp"

namespace segue::vmm {

namespace {

constexpr const Factory* kFactories[] = {&kBalloonFactory, &kBlockFactory, &kConsoleFactory,
                                         &kNetFactory,     &kRngFactory,   &kVsockFactory};

Result<const Factory*> factory_of(const DeviceConfig& device) {
    for (const Factory* f : kFactories)
        if (f->model == device.model)
            return f;
    return Error(Code::Unsupported,
                 "device '" + device.id + "': this VMM has no model \"" + device.model + '"')
        .way_out("update to a VMM that has it")
        .with("device", device.id);
}

} // namespace

Status open_devices(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        SEGUE_TRY(factory->open(d, inventory));
    }
    return {};
}

Status join_devices(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        SEGUE_TRY(factory->holding != nullptr ? factory->holding->join(d, inventory)
                                              : factory->open(d, inventory));
    }
    return {};
}

Status check_leaving(const std::vector<DeviceConfig>& devices) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        if (factory->holding != nullptr)
            SEGUE_TRY(factory->holding->may_leave(d));
    }
    return {};
}

namespace {

Status each_holding(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory,
                    Act Holding::*act) {
    for (const DeviceConfig& d : devices) {
        SEGUE_ASSIGN(const Factory* factory, factory_of(d));
        if (factory->holding != nullptr)
            SEGUE_TRY((factory->holding->*act)(d, inventory));
    }
    return {};
}

} // namespace

Status write_out(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory) {
    return each_holding(devices, inventory, &Holding::write_out);
}

Status let_go(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory) {
    return each_holding(devices, inventory, &Holding::let_go);
}

Status take_hold(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory) {
    return each_holding(devices, inventory, &Holding::take_hold);
}

Status check_held(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory) {
    return each_holding(devices, inventory, &Holding::check_held);
}

void forget_devices(const std::vector<DeviceConfig>& devices) noexcept {
    for (const DeviceConfig& d : devices)
        if (const auto factory = factory_of(d); factory && (*factory)->remove != nullptr)
            (*factory)->remove(d);
}

Result<ModelPtr> make_model(const DeviceConfig& device, const HostSide& host) {
    SEGUE_ASSIGN(const Factory* factory, factory_of(device));
    return factory->make(device, host);
}

} // namespace segue::vmm

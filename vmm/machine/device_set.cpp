// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/device_set.hpp"

#include "core/base/list.hpp"

namespace segue::vmm {

DeviceSet::DeviceSet(std::unique_ptr<Console> console, Vm& vm, GuestEvents& events)
    : console_(std::move(console))
    , sci_(vm, AcpiPm::kSci)
    , serial_line_(vm, Serial::kIrq)
    , rtc_line_(vm, Rtc::kIrq)
    , acpi_pm_(events, sci_)
    , serial_(*console_, serial_line_)
    , debug_exit_(events)
    , keyboard_reset_(events)
    , reset_control_(events)
    , rtc_(rtc_line_)
    , stateful_{&acpi_pm_, &rtc_, &serial_, console_.get()}
    , active_{&rtc_, console_.get()} {
    console_->attach(serial_);
}

// The console's thread uses the port.
DeviceSet::~DeviceSet() {
    console_.reset();
}

Result<std::unique_ptr<DeviceSet>> DeviceSet::create(ConsoleBackend backend, Vm& vm, Buses& buses,
                                                     GuestEvents& events) {
    SEGUE_ASSIGN(auto console, Console::create(std::move(backend)));
    std::unique_ptr<DeviceSet> set(new DeviceSet(std::move(console), vm, events));
    PortBus& ports = buses.ports;
    SEGUE_TRY(ports.attach(AcpiPm::kPort, AcpiPm::kPorts, set->acpi_pm_));
    SEGUE_TRY(ports.attach(Rtc::kPort, Rtc::kPorts, set->rtc_));
    SEGUE_TRY(ports.attach(Serial::kPort, Serial::kPorts, set->serial_));
    SEGUE_TRY(ports.attach(DebugExit::kPort, DebugExit::kPorts, set->debug_exit_));
    SEGUE_TRY(ports.attach(KeyboardReset::kPort, 1, set->keyboard_reset_));
    return set;
}

Status DeviceSet::plug_in(const std::vector<DeviceConfig>& devices, const HostSide& host, Vm& vm,
                          Buses& buses, const GuestRam& ram) {
    SEGUE_ASSIGN(pci_, PciDevices::create(devices, host, vm, buses, ram, reset_control_));
    stateful_.push_back(&pci_->root());
    for (const auto& function : pci_->functions()) {
        stateful_.push_back(function.get());
        active_.push_back(function.get());
    }
    return {};
}

Status DeviceSet::settle(Deadline deadline) {
    for (ActiveDevice* device : active_)
        SEGUE_TRY(device->settle(deadline));
    return {};
}

Status DeviceSet::quiesce() {
    // Nothing to wait for after settle(); without one, as for a pause by hand or the guest's own
    // reset, the console's last write and the disks' last requests.
    return settle(Deadline::in(std::chrono::seconds(10)));
}

unsigned DeviceSet::requests_waiting() const {
    unsigned requests = 0;
    for (const ActiveDevice* device : active_)
        requests += device->requests_waiting();
    return requests;
}

// Nothing outside the VMM is to be claimed: a console's descriptors may be used by both.
Status DeviceSet::claim(bool*) {
    return {};
}

void DeviceSet::activate() noexcept {
    for (ActiveDevice* device : active_)
        device->activate();
}

Status DeviceSet::reclaim() {
    return {};
}

std::string DeviceSet::names() const {
    std::string names;
    for (const Device* device : stateful_) {
        const DeviceId id = device->id();
        names.append(id.name).append("/").append(id.instance);
        names.append("/").append(std::to_string(id.revision)).append(" ");
    }
    return names;
}

void DeviceSet::describe(state::Writer& manifest) const {
    manifest.begin("devices", "", 1);
    manifest.put_text("stateful", names());
    manifest.end();
    for (const auto& function : pci_->functions())
        save(*function, manifest);
}

Status DeviceSet::check(const state::Reader& manifest) {
    SEGUE_ASSIGN(const state::Section* section, manifest.take("devices"));
    SEGUE_ASSIGN(const std::string_view theirs, section->text("stateful"));
    if (theirs != names())
        return Error(Code::Unsupported, "the guest's devices are " + std::string(theirs) +
                                            "but this VMM makes " + names())
            .way_out("update to a VMM that has them");
    for (const auto& function : pci_->functions())
        SEGUE_TRY(load(*function, manifest));
    pci_->commit_routes();
    return {};
}

void DeviceSet::save(const Device& device, state::Writer& to) {
    const DeviceId id = device.id();
    to.begin(id.name, id.instance, id.revision);
    device.save(to);
    to.end();
}

void DeviceSet::save(state::Writer& state) const {
    for (const Device* device : stateful_)
        save(*device, state);
}

Status DeviceSet::load(Device& device, const state::Reader& from) {
    const DeviceId id = device.id();
    SEGUE_ASSIGN(const state::Section* section, from.take(id.name, id.instance));
    if (section->revision() != id.revision)
        return Error(Code::Unsupported, "device " + std::string(id.name) +
                                            ": its state has revision " +
                                            std::to_string(section->revision()) +
                                            ", this VMM reads " + std::to_string(id.revision))
            .with("device", std::string(id.name));
    return device.load(*section);
}

Status DeviceSet::load(const state::Reader& state) {
    for (Device* device : stateful_)
        SEGUE_TRY(load(*device, state));
    pci_->commit_routes(); // one call for all; none where nothing has changed since check()
    return {};
}

std::string DeviceSet::writing_unseen() const {
    std::string names;
    for (const ActiveDevice* device : active_)
        if (device->writes_unseen())
            add_to_list(names, device->id().instance);
    return names;
}

void DeviceSet::reset() noexcept {
    for (Device* device : stateful_)
        device->reset();
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/pci_device.hpp"

#include <linux/pci_regs.h>

#include <algorithm>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

constexpr std::uint16_t kVendor = 0x1af4;      // 4.1.2
constexpr std::uint16_t kFirstDevice = 0x1040; // and the device type
constexpr std::uint16_t kSubsystem = 0x1100;   // 0x40 or higher
constexpr std::uint8_t kRevision = 1;          // no transitional device

// The BAR: a page for each structure.
constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint32_t kCommon = 0x0000, kIsr = 0x1000, kDevice = 0x2000, kNotify = 0x3000,
                        kTable = 0x4000, kPending = 0x6000;
constexpr std::uint64_t kBarBytes = 0x8000;
constexpr std::uint64_t kMultiplier = 4; // bytes from one queue's notification to the next
constexpr unsigned kMaxQueues = kPage / kMultiplier;
constexpr std::uint8_t kIsrQueue = 1, kIsrConfig = VIRTIO_PCI_ISR_CONFIG;

pci::Identity identity(const ModelFacts& facts) {
    return {kVendor,          static_cast<std::uint16_t>(kFirstDevice + facts.type),
            kVendor,          kSubsystem,
            facts.class_code, kRevision};
}

template <class T>
std::span<const std::byte> body_of(const T& capability) {
    return std::as_bytes(std::span(&capability, 1)).subspan(2); // without id and link
}

virtio_pci_cap structure(std::uint8_t type, std::uint32_t offset, std::uint32_t length,
                         std::size_t bytes) {
    virtio_pci_cap cap = {};
    cap.cap_len = static_cast<std::uint8_t>(bytes);
    cap.cfg_type = type;
    cap.offset = offset;
    cap.length = length;
    return cap;
}

Error no_room() {
    return Error(Code::Internal, "virtio over PCI: no room for a capability");
}

} // namespace

PciDevice::PciDevice(pci::Host& host, unsigned slot, const ModelFacts& facts)
    : Endpoint(host, slot, identity(facts)) {
    add_bar(0, kBarBytes, bar_window(slot), *this);
}

Result<std::unique_ptr<PciDevice>> PciDevice::create(pci::Host& host, unsigned slot,
                                                     std::unique_ptr<Model> model,
                                                     const GuestRam& ram, const Offer& offer) {
    std::unique_ptr<PciDevice> device(new PciDevice(host, slot, model->facts()));
    SEGUE_ASSIGN(device->core_, Core::create(std::move(model), ram, *device, offer));
    SEGUE_TRY(device->lay_out());
    return device;
}

Status PciDevice::lay_out() {
    const unsigned vectors = core_->queues() + 1; // and one for configuration changes
    if (core_->queues() > kMaxQueues)
        return Error(Code::Internal, "virtio over PCI: too many queues");
    common_ = std::make_unique<CommonConfig>(*core_, static_cast<std::uint16_t>(vectors));
    SEGUE_TRY(add_msix({vectors, 0, kTable, kPending}));
    SEGUE_TRY(add_structure(VIRTIO_PCI_CAP_COMMON_CFG, kCommon, sizeof(virtio_pci_common_cfg)));
    SEGUE_TRY(add_structure(VIRTIO_PCI_CAP_ISR_CFG, kIsr, 1));
    SEGUE_TRY(add_structure(VIRTIO_PCI_CAP_DEVICE_CFG, kDevice, kPage));
    SEGUE_TRY(add_notify_structure());
    SEGUE_TRY(add_window());
    power_on();
    return {};
}

Status PciDevice::add_structure(std::uint8_t type, std::uint32_t offset, std::uint32_t length) {
    const auto cap = structure(type, offset, length, sizeof(virtio_pci_cap));
    return config().add_capability(PCI_CAP_ID_VNDR, body_of(cap)) != 0 ? Status() : no_room();
}

Status PciDevice::add_notify_structure() {
    virtio_pci_notify_cap cap = {};
    cap.cap = structure(VIRTIO_PCI_CAP_NOTIFY_CFG, kNotify,
                        static_cast<std::uint32_t>(core_->queues() * kMultiplier), sizeof cap);
    cap.notify_off_multiplier = kMultiplier;
    return config().add_capability(PCI_CAP_ID_VNDR, body_of(cap)) != 0 ? Status() : no_room();
}

// 4.1.4.9: a window into the BAR for a driver that cannot map it; it chooses bar, offset, length.
Status PciDevice::add_window() {
    virtio_pci_cfg_cap cap = {};
    cap.cap = structure(VIRTIO_PCI_CAP_PCI_CFG, 0, 0, sizeof cap);
    window_at_ = config().add_capability(PCI_CAP_ID_VNDR, body_of(cap));
    if (window_at_ == 0)
        return no_room();
    config().set<std::uint8_t>(window_at_ + offsetof(virtio_pci_cap, bar), 0, 0xff);
    config().set<std::uint32_t>(window_at_ + offsetof(virtio_pci_cap, offset), 0, ~0u);
    config().set<std::uint32_t>(window_at_ + offsetof(virtio_pci_cap, length), 0, ~0u);
    return {};
}

PciDevice::~PciDevice() {
    remove_doorbells();
    core_.reset(); // its thread tells of interrupts
}

PciDevice::Window PciDevice::window() {
    virtio_pci_cap cap = {};
    Endpoint::read_config(window_at_, std::as_writable_bytes(std::span(&cap, 1)));
    const bool fits = cap.length == 1 || cap.length == 2 || cap.length == 4;
    return {cap.offset, cap.length,
            cap.bar == 0 && fits && cap.offset % cap.length == 0 &&
                cap.offset <= kBarBytes - cap.length};
}

void PciDevice::read_config(std::uint16_t offset, std::span<std::byte> data) {
    Endpoint::read_config(offset, data);
    if (offset != window_at_ + offsetof(virtio_pci_cfg_cap, pci_cfg_data))
        return;
    if (const Window w = window(); w.open && w.length <= data.size())
        read(w.offset, data.first(w.length));
}

void PciDevice::write_config(std::uint16_t offset, std::span<const std::byte> data) {
    Endpoint::write_config(offset, data);
    core_->rewire();
    if (offset != window_at_ + offsetof(virtio_pci_cfg_cap, pci_cfg_data))
        return;
    if (const Window w = window(); w.open && w.length <= data.size())
        write(w.offset, data.first(w.length));
}

void PciDevice::read(std::uint64_t at, std::span<std::byte> data) {
    std::fill(data.begin(), data.end(), std::byte{0});
    if (at >= kPending)
        return msix().read_pending(at - kPending, data);
    if (at >= kTable)
        return msix().read_table(at - kTable, data);
    const std::lock_guard lock(registers_);
    switch (at & ~(kPage - 1)) {
    case kCommon:
        return common_->read(at - kCommon, data);
    case kIsr:
        return at == kIsr ? read_isr(data) : void();
    case kDevice:
        return core_->read_config(static_cast<std::uint32_t>(at - kDevice), data);
    default:
        return;
    }
}

void PciDevice::write(std::uint64_t at, std::span<const std::byte> data) {
    if (at >= kPending)
        return;
    if (at >= kTable) {
        msix().write_table(at - kTable, data);
        return core_->rewire();
    }
    const std::lock_guard lock(registers_);
    switch (at & ~(kPage - 1)) {
    case kCommon:
        return common_->write(at - kCommon, data);
    case kDevice:
        return core_->write_config(static_cast<std::uint32_t>(at - kDevice), data);
    case kNotify:
        return notify(at - kNotify);
    default:
        return;
    }
}

void PciDevice::notify(std::uint64_t at) noexcept {
    if (at / kMultiplier < core_->queues())
        sys::signal_event(core_->doorbell(static_cast<unsigned>(at / kMultiplier)));
}

// 4.1.4.5: reading it takes it back.
void PciDevice::read_isr(std::span<std::byte> data) {
    const std::lock_guard lock(isr_mutex_);
    data[0] = std::byte{std::exchange(isr_, std::uint8_t{0})};
    set_intx(false);
}

void PciDevice::tell(std::uint16_t vector, std::uint8_t isr) noexcept {
    if (msix().enabled())
        return msix().raise(vector);
    const std::lock_guard lock(isr_mutex_);
    isr_ |= isr;
    set_intx(true);
}

void PciDevice::tell_used(std::uint16_t vector) noexcept {
    tell(vector, kIsrQueue);
}

void PciDevice::tell_config(std::uint16_t vector) noexcept {
    tell(vector, kIsrConfig);
}

// Without a doorbell in KVM the write comes as an exit, which is slower and right all the same.
void PciDevice::moved(std::optional<std::uint64_t> bar0) noexcept {
    remove_doorbells();
    if (!bar0)
        return;
    doorbells_ = bar0;
    for (unsigned i = 0; i < core_->queues(); ++i)
        if (const Status s =
                host().add_doorbell(*bar0 + kNotify + i * kMultiplier, core_->doorbell(i));
            !s)
            log::warn("device '" + core_->facts().id + "': " + s.error().what());
}

void PciDevice::remove_doorbells() noexcept {
    if (!doorbells_)
        return;
    for (unsigned i = 0; i < core_->queues(); ++i)
        host().remove_doorbell(*doorbells_ + kNotify + i * kMultiplier, core_->doorbell(i));
    doorbells_.reset();
}

DeviceId PciDevice::id() const {
    const ModelFacts& f = core_->facts();
    return {f.section, f.id, f.revision};
}

void PciDevice::save(state::Writer& section) const {
    const std::lock_guard lock(registers_);
    endpoint_state().write(section);
    {
        const std::lock_guard isr_lock(isr_mutex_);
        section.put("isr", isr_);
    }
    common_->selected().write(section);
    core_->state().write(section);
    core_->save_model(section);
}

Status PciDevice::load(const state::Section& section) {
    const std::lock_guard lock(registers_);
    SEGUE_ASSIGN(auto endpoint, pci::EndpointState::read(section, msix().vectors()));
    SEGUE_ASSIGN(const std::uint64_t isr, section.number("isr"));
    SEGUE_ASSIGN(const Selected selected, Selected::read(section));
    SEGUE_ASSIGN(const CoreState core, CoreState::read(section, core_->queues()));
    SEGUE_TRY(fits(endpoint));
    SEGUE_TRY(core_->load(core, section));
    load_endpoint(std::move(endpoint));
    const std::lock_guard isr_lock(isr_mutex_);
    isr_ = static_cast<std::uint8_t>(isr & (kIsrQueue | kIsrConfig));
    common_->select(selected);
    return {};
}

void PciDevice::reset() noexcept {
    core_->reset();
    reset_endpoint();
    isr_ = 0;
    common_->select({});
}

void PciDevice::activate() noexcept {
    flush_interrupts();
    core_->activate();
}

} // namespace segue::vmm::virtio

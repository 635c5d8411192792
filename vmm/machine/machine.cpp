// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/machine.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/log.hpp"
#include "vmm/acpi/tables.hpp"
#include "vmm/boot/waking.hpp"
#include "vmm/devices/virtio_balloon/virtio_balloon.hpp"
#include "vmm/devices/virtio_block/virtio_block.hpp"
#include "vmm/kvm/cpu_fit.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/machine/device_factory.hpp"
#include "vmm/memory/slots.hpp"

namespace segue::vmm {

Status Machine::open_vm() {
    SEGUE_ASSIGN(kvm_, Kvm::open());
    SEGUE_ASSIGN(vm_, Vm::create(kvm_));
    return check_required(vm_);
}

// Of a guest that has run elsewhere. Takes 0.3 ms, so not while one stands still that could go on
// where it was.
Status Machine::check_cpu() const {
    SEGUE_ASSIGN(const CpuidEntries host, host_cpuid(kvm_, vm_, true));
    for (const VcpuShape& shape : shapes_)
        SEGUE_TRY(fits_host(shape.cpuid, host));
    return {};
}

Status Machine::assemble(const std::vector<Capability>& capabilities, std::vector<VcpuShape> shapes,
                         const inventory::Inventory& inventory, ConsoleBackend console) {
    inventory_ = &inventory;
    shapes_ = std::move(shapes);
    config_.console = console.config;
    SEGUE_TRY(enable_all(vm_, capabilities));
    if (dirty_ring_entries_ != 0)
        SEGUE_TRY(vm_.enable_dirty_rings(dirty_ring_entries_));
    SEGUE_TRY(vm_.set_identity_map_addr(kIdentityMapAddr));
    SEGUE_TRY(vm_.set_tss_addr(kTssAddr));
    // Slots first: each grace period of KVM's SRCU that comes after another waits for ticks, and
    // the irqchip and the PIT take several without waiting for them; 0.5 ms in this order, 8 ms in
    // the other (Linux 6.1), which in cpr-exec the guest stands still.
    SEGUE_TRY(ram_placement_.prepare(inventory));
    SEGUE_ASSIGN(ram_, guest_ram(inventory));
    named_ram_ = NamedRam(inventory);
    SEGUE_TRY(map_slots(vm_, ram_));
    SEGUE_TRY(vm_.create_irqchip());
    SEGUE_TRY(vm_.create_pit());
    std::vector<Vcpu> vcpus;
    for (unsigned id = 0; id < config_.vcpus; ++id) {
        SEGUE_ASSIGN(Vcpu vcpu, Vcpu::create(kvm_, vm_, id));
        vcpu.exit_now();
        SEGUE_TRY(vcpu.set_cpuid(shapes_[id].cpuid));
        SEGUE_TRY(vcpu.set_tsc_khz(shapes_[id].tsc_khz));
        vcpus.push_back(std::move(vcpu));
    }
    SEGUE_ASSIGN(vcpus_, VcpuGroup::create(std::move(vcpus), buses_, events_));
    SEGUE_ASSIGN(mover_, KvmMover::make(kvm_, vm_, *vcpus_));
    SEGUE_TRY(plug_in_devices(std::move(console)));
    return make_dirty_log();
}

Status Machine::make_dirty_log() {
    if (dirty_ring_entries_ == 0) {
        write_log_ = std::make_unique<BitmapLog>(vm_);
    } else {
        SEGUE_ASSIGN(DirtyRings rings, DirtyRings::map(vm_, vcpus_->vcpus()));
        auto log = std::make_unique<RingLog>(vm_, std::move(rings), ram_);
        vcpus_->when_ring_full([log = log.get()] { return log->empty(); });
        write_log_ = std::move(log);
    }
    dirty_log_ = std::make_unique<KvmDirtyLog>(vm_, *write_log_, ram_,
                                               [this] { return devices_->writing_unseen(); });
    return {};
}

std::vector<int> Machine::slow_to_close() const {
    std::vector<int> fds = *host_.slow_to_close;
    fds.push_back(vm_.fd());
    return fds;
}

Status Machine::plug_in_devices(ConsoleBackend console) {
    SEGUE_ASSIGN(devices_, DeviceSet::create(std::move(console), vm_, buses_, *vcpus_));
    const auto balloons =
        std::count_if(config_.devices.begin(), config_.devices.end(),
                      [](const DeviceConfig& d) { return d.model == VirtioBalloon::kName; });
    if (balloons > 1)
        return Error(Code::Invalid, "the guest has " + std::to_string(balloons) + " balloons")
            .way_out("one gives back all that it can");
    if (balloons == 1) {
        SEGUE_ASSIGN(host_.balloon, BalloonSize::create());
    }
    return devices_->plug_in(config_.devices, host_, vm_, buses_, ram_);
}

Status Machine::reopen(const std::vector<DeviceConfig>& devices,
                       const std::vector<std::string>& changed_disks,
                       inventory::Inventory& inventory) {
    for (const std::string& id : changed_disks)
        if (std::none_of(devices.begin(), devices.end(), [&](const DeviceConfig& d) {
                return d.id == id && d.model == VirtioBlock::kName;
            }))
            return Error(Code::Invalid,
                         "the guest has no disk '" + id + "' that could have changed")
                .way_out("name a [[device]] of model \"virtio-blk\"");
    host_.reopened = true;
    host_.changed_disks = changed_disks;
    return open_devices(devices, inventory);
}

Status Machine::join(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory) {
    host_.reopened = joined_ = true;
    for (const DeviceConfig& d : devices) // the other host writes to them
        host_.changed_disks.push_back(d.id);
    return join_devices(devices, inventory);
}

Status Machine::check_moving() const {
    return check_moving_pages(shapes_.front().cpuid);
}

Status Machine::check_leaving() {
    return vmm::check_leaving(config_.devices);
}

void Machine::write_out() noexcept {
    (void)vmm::write_out(config_.devices, *inventory_).ok(); // let_go() does it in any case
}

Status Machine::let_go() {
    return vmm::let_go(config_.devices, *inventory_);
}

Status Machine::take_hold() {
    return vmm::take_hold(config_.devices, *inventory_);
}

Status Machine::create(const MachineConfig& config, inventory::Inventory& inventory) {
    if (config.vcpus < 1 || config.vcpus > kMaxVcpus)
        return Error(Code::Invalid, "guest: " + std::to_string(config.vcpus) + " vCPUs, not 1 to " +
                                        std::to_string(kMaxVcpus));
    config_ = config;
    SEGUE_TRY(open_vm());
    SEGUE_ASSIGN(const CpuidEntries cpu, chosen_cpuid(kvm_, vm_, config.cpu));
    std::vector<VcpuShape> shapes;
    for (unsigned id = 0; id < config.vcpus; ++id)
        shapes.push_back({vcpu_cpuid(cpu, id, config.vcpus), 0});
    SEGUE_ASSIGN(ConsoleBackend console, open_console(config.console, inventory));
    SEGUE_TRY(open_devices(config.devices, inventory));
    host_.inventory = &inventory;
    SEGUE_TRY(assemble(wanted_capabilities(vm_), std::move(shapes), inventory, std::move(console)));
    SEGUE_TRY(check_reach(ram_.layout(), address_bits(cpu)));
    for (Error& e : ram_placement_.apply())
        return std::move(e);
    SEGUE_TRY(ram_placement_.preallocate(inventory));
    for (unsigned id = 0; id < config.vcpus; ++id)
        shapes_[id].tsc_khz = mover_->blank().vcpus[id].tsc_khz;
    acpi_tables_ = acpi_tables({config.vcpus, has_high_window(ram_.layout(), address_bits(cpu))});
    return reset();
}

Status Machine::reset() {
    SEGUE_ASSIGN(const BootVcpu first,
                 load_kernel(config_.boot, ram_, mover_->blank().vcpus[0].sregs));
    SEGUE_TRY(write_acpi_tables(acpi_tables_, ram_));
    devices_->reset();
    SEGUE_TRY(mover_->restart(first));
    vcpus_->forget_event();
    return {};
}

Status Machine::wake() {
    const std::uint32_t vector = waking_vector(acpi_tables_, ram_);
    if (vector == 0) {
        log::warn("the guest sleeps without a waking vector: it boots instead");
        return reset();
    }
    devices_->reset();
    devices_->acpi_pm().wake();
    SEGUE_TRY(mover_->restart(waking_vcpu(vector, mover_->blank().vcpus[0].sregs)));
    vcpus_->forget_event();
    return {};
}

Status Machine::describe(state::Writer& manifest) {
    config_.write(manifest);
    encode_capabilities(manifest, vm_.enabled());
    encode(manifest, mover_->blank().vm);
    for (unsigned id = 0; id < config_.vcpus; ++id)
        encode(manifest, id, shapes_[id]);
    devices_->describe(manifest);
    manifest.begin("acpi", "", 1);
    manifest.put_bytes("tables", std::as_bytes(std::span(acpi_tables_)));
    manifest.end();
    SEGUE_ASSIGN(const HostProcess process, HostProcess::self());
    process.write(manifest);
    return VcpuPlacement::describe(*vcpus_, manifest);
}

Status Machine::build(const state::Reader& manifest, const inventory::Inventory& inventory) {
    SEGUE_ASSIGN(config_, MachineConfig::read(manifest));
    SEGUE_ASSIGN(ConsoleBackend console, adopt_console(config_.console, inventory));
    host_.inventory = &inventory;
    SEGUE_TRY(rebuild(manifest, inventory, std::move(console)));
    if (joined_)
        SEGUE_TRY(check_held(config_.devices, inventory));
    return host_.reopened ? check_cpu() : Status();
}

// The whole machine but for what it has of the host, which is the running guest's.
Status Machine::check(const state::Reader& manifest, const inventory::Inventory& inventory) {
    SEGUE_ASSIGN(config_, MachineConfig::read(manifest));
    SEGUE_TRY(rebuild(manifest, inventory, ConsoleBackend()));
    SEGUE_TRY(check_cpu());
    return placement_.try_out();
}

Status Machine::rebuild(const state::Reader& manifest, const inventory::Inventory& inventory,
                        ConsoleBackend console) {
    SEGUE_ASSIGN(const state::Section* kvm, manifest.take("kvm"));
    SEGUE_ASSIGN(const auto capabilities, decode_capabilities(*kvm));
    std::vector<VcpuShape> shapes;
    for (unsigned id = 0; id < config_.vcpus; ++id) {
        SEGUE_ASSIGN(const state::Section* cpu, manifest.take("cpu", std::to_string(id)));
        SEGUE_ASSIGN(VcpuShape shape, decode_shape(*cpu));
        shapes.push_back(std::move(shape));
    }
    SEGUE_ASSIGN(const state::Section* acpi, manifest.take("acpi"));
    SEGUE_ASSIGN(const auto tables, acpi->bytes("tables"));
    acpi_tables_.resize(tables.size());
    std::memcpy(acpi_tables_.data(), tables.data(), tables.size());
    SEGUE_TRY(open_vm());
    SEGUE_TRY(assemble(capabilities, std::move(shapes), inventory, std::move(console)));
    SEGUE_ASSIGN(const state::Section* vm, manifest.take("vm"));
    VmState theirs;
    SEGUE_TRY(decode(*vm, theirs));
    SEGUE_TRY(check_fit(vm_, theirs));
    SEGUE_ASSIGN(process_, HostProcess::read(manifest));
    SEGUE_ASSIGN(placement_, VcpuPlacement::read(manifest, *vcpus_));
    return devices_->check(manifest);
}

Status Machine::rehearse() {
    SEGUE_TRY(check_cpu());
    populate(*inventory_);
    SEGUE_TRY(mover_->rehearse());
    entered_ = true;
    if (process_) {
        if (const std::string other = process_->other_cgroup(); !other.empty())
            log::warn(other);
        SEGUE_TRY(process_->take_oom_score());
    }
    return placement_.try_out();
}

Status Machine::save(state::Writer& state) {
    SEGUE_TRY(mover_->save(state));
    devices_->save(state);
    return {};
}

// In a VM's first KVM_RUN, KVM makes a thread of its own, with the scheduling of its caller: that
// is to be the main thread's, not a vCPU's.
Status Machine::place_vcpus() {
    if (placement_.empty())
        return {};
    if (!entered_)
        SEGUE_TRY(vcpus_->on_each([](Vcpu& vcpu) -> Status { // the gate is closed
            const auto ran = vcpu.run();
            return ran ? Status() : ran.error();
        }));
    for (const Error& e : placement_.apply())
        log::warn(e.what());
    return {};
}

Status Machine::load(const state::Reader& state) {
    SEGUE_TRY(place_vcpus()); // first: the threads load where they will run
    SEGUE_TRY(mover_->load(state));
    if (process_)
        if (const Status s = process_->take_oom_score(); !s)
            log::warn(s.error().what());
    return devices_->load(state);
}

void Machine::settle_in() {
    for (const Error& e : ram_placement_.apply())
        log::warn(e.what());
}

} // namespace segue::vmm

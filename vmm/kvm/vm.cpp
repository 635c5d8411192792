// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/vm.hpp"

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

template <class Arg>
Status call(int fd, unsigned long request, Arg arg, const char* what) {
    if (auto r = sys::ioctl(fd, request, arg, what); !r)
        return std::move(r).error();
    return {};
}

} // namespace

Result<Vm> Vm::create(const Kvm& kvm) {
    SEGUE_ASSIGN(const int fd, sys::ioctl(kvm.fd(), KVM_CREATE_VM, 0, "KVM_CREATE_VM"));
    Vm vm;
    vm.fd_ = UniqueFd(fd); // KVM makes it close-on-exec
    return vm;
}

int Vm::check(int capability) const {
    return std::max(0, sys::ioctl_once(fd(), KVM_CHECK_EXTENSION, capability));
}

Status Vm::enable(const Capability& capability) {
    kvm_enable_cap cap = {};
    cap.cap = static_cast<std::uint32_t>(capability.number);
    cap.args[0] = capability.arg;
    const std::string name = capability_name(capability.number);
    if (auto s = call(fd(), KVM_ENABLE_CAP, &cap, "KVM_ENABLE_CAP"); !s)
        return Error(std::move(s).error())
            .while_doing("enable " + name)
            .way_out("use a host whose KVM has it")
            .with("capability", name);
    enabled_.push_back(capability);
    return {};
}

Status Vm::set_tss_addr(std::uint32_t address) {
    return call(fd(), KVM_SET_TSS_ADDR, static_cast<unsigned long>(address), "KVM_SET_TSS_ADDR");
}

Status Vm::set_identity_map_addr(std::uint64_t address) {
    return call(fd(), KVM_SET_IDENTITY_MAP_ADDR, &address, "KVM_SET_IDENTITY_MAP_ADDR");
}

Status Vm::create_irqchip() {
    return call(fd(), KVM_CREATE_IRQCHIP, 0, "KVM_CREATE_IRQCHIP");
}

Status Vm::create_pit(std::uint32_t flags) {
    kvm_pit_config config = {};
    config.flags = flags;
    return call(fd(), KVM_CREATE_PIT2, &config, "KVM_CREATE_PIT2");
}

Status Vm::set_memory(const MemorySlot& slot) {
    kvm_userspace_memory_region region = {};
    region.slot = slot.slot;
    region.flags = slot.flags;
    region.guest_phys_addr = slot.guest;
    region.memory_size = slot.bytes;
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(slot.host);
    return call(fd(), KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

Status Vm::remove_memory(std::uint32_t slot) {
    MemorySlot gone;
    gone.slot = slot;
    return set_memory(gone);
}

bool Vm::can_log_by_hand() const {
    return (check(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE) != 0;
}

Status Vm::log_by_hand() {
    kvm_enable_cap cap = {};
    cap.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2;
    cap.args[0] = static_cast<std::uint64_t>(check(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)) &
                  (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET);
    return call(fd(), KVM_ENABLE_CAP, &cap, "KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
}

// Those of x86 need no barriers, so both capabilities are the same here; Linux before 6.1 has the
// older one only.
Status Vm::enable_dirty_rings(std::uint32_t entries) {
    kvm_enable_cap cap = {};
    cap.cap = check(KVM_CAP_DIRTY_LOG_RING_ACQ_REL) > 0 ? KVM_CAP_DIRTY_LOG_RING_ACQ_REL
                                                        : KVM_CAP_DIRTY_LOG_RING;
    cap.args[0] = entries * sizeof(kvm_dirty_gfn);
    if (cap.args[0] > static_cast<std::uint64_t>(check(static_cast<int>(cap.cap))))
        return Error(Code::Unsupported, "this host's KVM has no dirty rings of " +
                                            std::to_string(entries) + " entries")
            .way_out("leave update.dirty_ring_size out: KVM's bitmaps do the same")
            .with("capability", "DIRTY_LOG_RING");
    SEGUE_TRY(call(fd(), KVM_ENABLE_CAP, &cap, "KVM_CAP_DIRTY_LOG_RING"));
    dirty_ring_entries_ = entries;
    return {};
}

Result<unsigned> Vm::reset_dirty_rings() const {
    const int n = sys::ioctl_once(fd(), KVM_RESET_DIRTY_RINGS, 0);
    if (n < 0 && n != -EINTR)
        return Error::from_errno(-n, "KVM_RESET_DIRTY_RINGS");
    return static_cast<unsigned>(std::max(n, 0));
}

Status Vm::read_log(std::uint32_t slot, std::span<std::uint64_t> bits) const {
    kvm_dirty_log log = {};
    log.slot = slot;
    log.dirty_bitmap = bits.data();
    return call(fd(), KVM_GET_DIRTY_LOG, &log, "KVM_GET_DIRTY_LOG");
}

Status Vm::clear_log(std::uint32_t slot, std::uint64_t first, std::uint32_t pages,
                     std::span<std::uint64_t> bits) const {
    kvm_clear_dirty_log log = {};
    log.slot = slot;
    log.first_page = first;
    log.num_pages = pages;
    log.dirty_bitmap = bits.data();
    return call(fd(), KVM_CLEAR_DIRTY_LOG, &log, "KVM_CLEAR_DIRTY_LOG");
}

Status Vm::set_irq(std::uint32_t gsi, bool level) {
    kvm_irq_level line = {};
    line.irq = gsi;
    line.level = level ? 1 : 0;
    return call(fd(), KVM_IRQ_LINE, &line, "KVM_IRQ_LINE");
}

Status Vm::irqfd(int event, std::uint32_t gsi, std::uint32_t flags, int resample) {
    kvm_irqfd irq = {};
    irq.fd = static_cast<std::uint32_t>(event);
    irq.gsi = gsi;
    irq.flags = flags;
    if (resample >= 0) {
        irq.flags |= KVM_IRQFD_FLAG_RESAMPLE;
        irq.resamplefd = static_cast<std::uint32_t>(resample);
    }
    return call(fd(), KVM_IRQFD, &irq, "KVM_IRQFD");
}

Status Vm::add_irqfd(int event, std::uint32_t gsi, int resample) {
    return irqfd(event, gsi, 0, resample);
}

Status Vm::remove_irqfd(int event, std::uint32_t gsi) {
    return irqfd(event, gsi, KVM_IRQFD_FLAG_DEASSIGN, -1);
}

Status Vm::ioevent(const IoEvent& io, std::uint32_t flags) {
    kvm_ioeventfd e = {};
    e.fd = io.event;
    e.addr = io.address;
    e.len = io.length;
    e.flags = flags | (io.pio ? KVM_IOEVENTFD_FLAG_PIO : 0u) |
              (io.match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0u);
    e.datamatch = io.match.value_or(0);
    return call(fd(), KVM_IOEVENTFD, &e, "KVM_IOEVENTFD");
}

Status Vm::add_ioevent(const IoEvent& io) {
    return ioevent(io, 0);
}

Status Vm::remove_ioevent(const IoEvent& io) {
    return ioevent(io, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

} // namespace segue::vmm

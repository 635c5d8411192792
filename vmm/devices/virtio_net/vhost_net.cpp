// SPDX-License-Identifier: Apache-2.0
// Source: Linux, drivers/vhost/net.c and vhost.c.
#include "vmm/devices/virtio_net/vhost_net.hpp"

#include <cstddef>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "vmm/devices/virtio_net/features.hpp"
#include "vmm/devices/virtio_net/vhost_uapi.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm {

namespace {

// What it must know of. The others are between driver and tap, or the control queue's.
constexpr std::uint64_t kItsOwn = bit(VIRTIO_NET_F_MRG_RXBUF) | bit(VIRTIO_F_VERSION_1) |
                                  bit(VIRTIO_F_RING_PACKED) | bit(VIRTIO_RING_F_INDIRECT_DESC) |
                                  bit(VIRTIO_RING_F_EVENT_IDX);

class Kernel final : public VhostKernel {
public:
    Result<UniqueFd> open() override { return sys::open("/dev/vhost-net", O_RDWR); }
    int ioctl(int fd, unsigned long request, void* arg) noexcept override {
        return sys::ioctl_once(fd, request, arg);
    }
};

} // namespace

VhostKernel& vhost_kernel() {
    static Kernel kernel;
    return kernel;
}

Result<std::unique_ptr<VhostNet>> VhostNet::create(VhostKernel& kernel,
                                                   const std::vector<int>& tap) {
    std::unique_ptr<VhostNet> vhost(new VhostNet(kernel));
    for (const int fd : tap) {
        SEGUE_ASSIGN(UniqueFd device, kernel.open());
        vhost->pairs_.push_back({std::move(device), fd});
        SEGUE_TRY(vhost->call(vhost->pairs_.back(), VHOST_SET_OWNER, nullptr, "VHOST_SET_OWNER"));
    }
    SEGUE_TRY(
        vhost->call(vhost->pairs_[0], VHOST_GET_FEATURES, &vhost->has_, "VHOST_GET_FEATURES"));
    return vhost;
}

std::vector<int> VhostNet::devices() const {
    std::vector<int> fds;
    for (const Pair& pair : pairs_)
        fds.push_back(pair.device.get());
    return fds;
}

Status VhostNet::call(const Pair& pair, unsigned long request, void* arg, const char* what) const {
    const int r = kernel_.ioctl(pair.device.get(), request, arg);
    return r < 0 ? Status(Error::from_errno(-r, std::string("vhost-net: ") + what)) : Status();
}

Status VhostNet::prepare(std::uint64_t features, const GuestRam& ram) {
    std::uint64_t its_own = features & kItsOwn;
    if (const std::uint64_t lacking = its_own & ~has_; lacking != 0)
        return Error(Code::Unsupported,
                     "vhost-net lacks virtio features that the guest uses, mask " +
                         std::to_string(lacking));
    if (ram_ != &ram)
        SEGUE_TRY(share(ram));
    ram_ = &ram;
    for (const Pair& pair : pairs_)
        if (features_ != its_own)
            SEGUE_TRY(call(pair, VHOST_SET_FEATURES, &its_own, "VHOST_SET_FEATURES"));
    features_ = its_own;
    return {};
}

Status VhostNet::share(const GuestRam& ram) const {
    std::vector<std::byte> table(sizeof(vhost_memory) +
                                 ram.regions().size() * sizeof(vhost_memory_region));
    auto* memory = reinterpret_cast<vhost_memory*>(table.data());
    for (const HostRegion& r : ram.regions())
        memory->regions[memory->nregions++] = {r.ram.guest, r.ram.bytes,
                                               reinterpret_cast<std::uintptr_t>(r.host), 0};
    for (const Pair& pair : pairs_)
        SEGUE_TRY(call(pair, VHOST_SET_MEM_TABLE, memory, "VHOST_SET_MEM_TABLE"));
    return {};
}

// The kernel looks for the ring's parts at addresses of this process, and does not ask whether all
// of a part is RAM: one that goes on in another region is refused (sizes: virtio 1.2, 2.7).
Status VhostNet::place(unsigned queue, const virtio::QueueState& state) const {
    const std::uint64_t n = state.place.size;
    SEGUE_ASSIGN(const auto descriptors, ram_->at(state.place.descriptors, 16 * n));
    SEGUE_ASSIGN(const auto driver, ram_->at(state.place.driver, 6 + 2 * n));
    SEGUE_ASSIGN(const auto device, ram_->at(state.place.device, 6 + 8 * n));
    vhost_vring_state size = {queue % 2, state.place.size};
    SEGUE_TRY(call(pair_of(queue), VHOST_SET_VRING_NUM, &size, "VHOST_SET_VRING_NUM"));
    vhost_vring_state next = {queue % 2, state.position.next_avail};
    SEGUE_TRY(call(pair_of(queue), VHOST_SET_VRING_BASE, &next, "VHOST_SET_VRING_BASE"));
    vhost_vring_addr at = {};
    at.index = queue % 2;
    at.desc_user_addr = reinterpret_cast<std::uintptr_t>(descriptors.data());
    at.avail_user_addr = reinterpret_cast<std::uintptr_t>(driver.data());
    at.used_user_addr = reinterpret_cast<std::uintptr_t>(device.data());
    return call(pair_of(queue), VHOST_SET_VRING_ADDR, &at, "VHOST_SET_VRING_ADDR");
}

Status VhostNet::wire(unsigned queue, unsigned long request, int fd, const char* what) const {
    vhost_vring_file file = {queue % 2, fd};
    return call(pair_of(queue), request, &file, what);
}

Status VhostNet::start(unsigned queue, const virtio::QueueState& state,
                       const virtio::Wires& wires) {
    SEGUE_TRY(place(queue, state));
    SEGUE_TRY(wire(queue, VHOST_SET_VRING_CALL, wires.call, "VHOST_SET_VRING_CALL"));
    SEGUE_TRY(wire(queue, VHOST_SET_VRING_ERR, wires.error, "VHOST_SET_VRING_ERR"));
    SEGUE_TRY(wire(queue, VHOST_SET_VRING_KICK, wires.kick, "VHOST_SET_VRING_KICK"));
    SEGUE_TRY(wire(queue, VHOST_NET_SET_BACKEND, pair_of(queue).tap, "VHOST_NET_SET_BACKEND"));
    sys::signal_event(wires.kick);
    return {};
}

Status VhostNet::rewire(unsigned queue, int call) {
    return wire(queue, VHOST_SET_VRING_CALL, call, "VHOST_SET_VRING_CALL");
}

// Frames that were taken from the tap and found no room go back to it, and each buffer that was
// taken has been given back: both positions are one (vhost_net_set_backend, vhost_net_flush).
Result<virtio::RingPosition> VhostNet::stop(unsigned queue) {
    SEGUE_TRY(wire(queue, VHOST_NET_SET_BACKEND, -1, "VHOST_NET_SET_BACKEND"));
    vhost_vring_state state = {queue % 2, 0};
    SEGUE_TRY(call(pair_of(queue), VHOST_GET_VRING_BASE, &state, "VHOST_GET_VRING_BASE"));
    const auto next = static_cast<std::uint16_t>(state.num);
    return virtio::RingPosition{next, next};
}

} // namespace segue::vmm

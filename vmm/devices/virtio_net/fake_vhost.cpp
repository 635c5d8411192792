// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/fake_vhost.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <segue/cpp/sys.hpp>

#include "vmm/devices/virtio_net/features.hpp"
#include "vmm/devices/virtio_net/receive.hpp"

namespace segue::vmm {

namespace {

UniqueFd held(int fd) { // as the kernel holds the file, whatever becomes of the descriptor
    return UniqueFd(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

void watch(int epoll, int fd, bool once, bool ends) {
    epoll_event e = {};
    e.events = EPOLLIN | (once ? EPOLLET : 0u); // the kernel never reads a kick
    e.data.u32 = ends ? 1 : 0;
    (void)::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

std::uint64_t guest_address(const GuestRam& ram, std::uint64_t user) {
    for (const HostRegion& r : ram.regions())
        if (const auto here = reinterpret_cast<std::uintptr_t>(r.host);
            user >= here && user < here + r.ram.bytes)
            return r.ram.guest + (user - here);
    return ~0ull;
}

} // namespace

int FakeVring::start(int tap, int closed, std::uint64_t features, const GuestRam& ram) {
    stop();
    ram_ = ram;
    merged_ = (features & bit(VIRTIO_NET_F_MRG_RXBUF)) != 0;
    virtio::QueueState state;
    state.max_size = 32768;
    state.enabled = true;
    state.place = {static_cast<std::uint16_t>(size), guest_address(ram_, at.desc_user_addr),
                   guest_address(ram_, at.avail_user_addr), guest_address(ram_, at.used_user_addr)};
    // Linux, vhost_vq_init_access(): how far it has come in giving back stands in the ring.
    state.position = {next, memory_.load<std::uint16_t>(state.place.device + 2)};
    auto ring = queue_.reopened(memory_,
                                {false, (features & bit(VIRTIO_RING_F_INDIRECT_DESC)) != 0,
                                 (features & bit(VIRTIO_RING_F_EVENT_IDX)) != 0},
                                state);
    if (!ring)
        return -EFAULT;
    queue_.restore(state, std::move(*ring));
    tap_ = held(tap);
    stop_ = sys::event().value();
    epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    watch(epoll_.get(), stop_.get(), false, true);
    watch(epoll_.get(), closed, false, true);
    watch(epoll_.get(), kick.get(), true, false);
    if (receives_)
        watch(epoll_.get(), tap_.get(), true, false);
    thread_ = std::thread([this] { loop(); });
    return 0;
}

void FakeVring::stop() {
    if (!runs())
        return;
    sys::signal_event(stop_.get());
    thread_.join();
    next = queue_.state().position.next_avail;
}

void FakeVring::set_call(int fd) {
    const std::lock_guard lock(mutex_);
    call_ = held(fd);
}

void FakeVring::loop() {
    for (;;) {
        epoll_event told = {};
        if (::epoll_wait(epoll_.get(), &told, 1, -1) != 1)
            continue;
        if (told.data.u32 != 0)
            return;
        if (!pass())
            sys::signal_event(error.get());
        const std::lock_guard lock(mutex_);
        if (queue_.wants_interrupt())
            sys::signal_event(call_.get());
    }
}

Status FakeVring::pass() {
    if (receives_)
        return receive();
    for (bool more = true; more;) {
        SEGUE_ASSIGN(more, queue_.drain([] { return true; },
                                        [&](const virtio::Chain& chain) { return send(chain); }));
    }
    return {};
}

Status FakeVring::send(const virtio::Chain& chain) {
    std::vector<iovec> pieces;
    (void)virtio::map(memory_, chain.readable(), 0, chain.readable_bytes(), pieces);
    (void)!::writev(tap_.get(), pieces.data(), static_cast<int>(pieces.size()));
    queue_.push(chain, 0);
    ++frames;
    return {};
}

// The tests that use it give room enough for whatever is in the tap, or none.
Status FakeVring::receive() {
    Receive to_driver;
    std::vector<std::byte> frame(1 << 17);
    while (queue_.listen(false) || queue_.listen(true)) {
        const auto n = ::read(tap_.get(), frame.data(), frame.size());
        if (n <= 0)
            break;
        SEGUE_ASSIGN(const bool delivered,
                     to_driver.deliver(std::span(frame).first(static_cast<std::size_t>(n)), merged_,
                                       queue_, memory_));
        frames += delivered ? 1 : 0;
    }
    return {};
}

Result<UniqueFd> FakeVhost::open() {
    const std::lock_guard lock(mutex_);
    int ends[2] = {};
    if (refused.count(0) != 0 || ::pipe2(ends, O_CLOEXEC) != 0)
        return Error::from_errno(ENOENT, "/dev/vhost-net");
    devices_.push_back(std::make_unique<Device>());
    devices_.back()->closed = UniqueFd(ends[0]);
    by_fd_[ends[1]] = devices_.back().get();
    return UniqueFd(ends[1]);
}

GuestRam FakeVhost::ram_of(const vhost_memory& memory) {
    std::vector<HostRegion> regions;
    for (unsigned i = 0; i < memory.nregions; ++i) {
        const auto& r = memory.regions[i];
        regions.push_back({{r.guest_phys_addr, r.memory_size, i, 0},
                           reinterpret_cast<std::byte*>(r.userspace_addr)});
    }
    return GuestRam(std::move(regions));
}

int FakeVhost::ioctl(int fd, unsigned long request, void* arg) noexcept {
    const std::lock_guard lock(mutex_);
    Device& device = *by_fd_.at(fd);
    ++counts_[request];
    if (refused.count(request) != 0)
        return -EFAULT;
    switch (request) {
    case VHOST_SET_OWNER:
        return std::exchange(device.owned, true) ? -EBUSY : 0;
    case VHOST_GET_FEATURES:
        *static_cast<std::uint64_t*>(arg) = features;
        return 0;
    case VHOST_SET_FEATURES:
        device.features = *static_cast<const std::uint64_t*>(arg);
        return (device.features & ~features) != 0 ? -EOPNOTSUPP : 0;
    case VHOST_SET_MEM_TABLE:
        device.ram = ram_of(*static_cast<const vhost_memory*>(arg));
        return device.owned ? 0 : -EPERM;
    case VHOST_NET_SET_BACKEND:
        return set_backend(device, *static_cast<const vhost_vring_file*>(arg));
    default:
        return device.owned ? on_ring(device, request, arg) : -EPERM;
    }
}

int FakeVhost::set_backend(Device& device, const vhost_vring_file& file) {
    FakeVring& ring = device.rings.at(file.index);
    if (!device.owned || device.ram.regions().empty() || ring.at.desc_user_addr == 0)
        return device.owned ? -EFAULT : -EPERM;
    if (file.fd >= 0)
        return ring.start(file.fd, device.closed.get(), device.features, device.ram);
    ring.stop();
    return 0;
}

int FakeVhost::on_ring(Device& device, unsigned long request, void* arg) {
    FakeVring& ring = device.rings.at(*static_cast<const unsigned*>(arg));
    auto& state = *static_cast<vhost_vring_state*>(arg);
    const auto& file = *static_cast<const vhost_vring_file*>(arg);
    const bool fixed = request == VHOST_SET_VRING_NUM || request == VHOST_SET_VRING_BASE;
    if (fixed && ring.runs())
        return -EBUSY;
    switch (request) {
    case VHOST_SET_VRING_NUM:
        ring.size = state.num;
        return 0;
    case VHOST_SET_VRING_BASE:
        ring.next = static_cast<std::uint16_t>(state.num);
        return 0;
    case VHOST_GET_VRING_BASE:
        state.num = ring.next;
        return ring.runs() ? -EBUSY : 0; // Linux would say where it is at the moment
    case VHOST_SET_VRING_ADDR:
        ring.at = *static_cast<const vhost_vring_addr*>(arg);
        return 0;
    case VHOST_SET_VRING_KICK:
        ring.kick = held(file.fd);
        return 0;
    case VHOST_SET_VRING_ERR:
        ring.error = held(file.fd);
        return 0;
    case VHOST_SET_VRING_CALL:
        ring.set_call(file.fd);
        return 0;
    default:
        return -ENOTTY;
    }
}

unsigned FakeVhost::frames() const {
    const std::lock_guard lock(mutex_);
    unsigned all = 0;
    for (const auto& device : devices_)
        for (const FakeVring& ring : device->rings)
            all += ring.frames;
    return all;
}

unsigned FakeVhost::serving() const {
    const std::lock_guard lock(mutex_);
    unsigned all = 0;
    for (const auto& device : devices_)
        for (const FakeVring& ring : device->rings)
            all += ring.runs() ? 1 : 0;
    return all;
}

} // namespace segue::vmm

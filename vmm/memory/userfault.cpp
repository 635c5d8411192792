// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/userfault.hpp"

#include <linux/userfaultfd.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include <segue/cpp/sys.hpp>

#include "vmm/memory/page_bits.hpp"
#include "vmm/memory/pagemap.hpp"
#include "vmm/memory/vm_areas.hpp"

#ifndef USERFAULTFD_IOC_NEW // Linux 6.1
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

namespace segue::vmm {

// Of this process's addresses.
struct Userfault::Range {
    std::uint64_t start, bytes, page;

    uffdio_range whole() const { return {start, bytes}; }
};

namespace {

constexpr std::uint64_t kFeatures =
    UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_THREAD_ID;
constexpr const char* kOtherMode = "or use a mode that copies all RAM before the guest runs";

Error lacks(const std::string& what, const std::string& way_out) {
    return Error(Code::Unsupported,
                 "this host cannot stop a guest at RAM that has not come: " + what)
        .way_out(way_out + ", " + kOtherMode);
}

// One that serves faults of the kernel, too: KVM's are such. The device needs no privilege but its
// own mode; the system call needs CAP_SYS_PTRACE or the setting.
Result<UniqueFd> open_userfault() {
    constexpr int flags = O_CLOEXEC | O_NONBLOCK;
    if (const auto device = sys::open("/dev/userfaultfd", O_RDWR)) {
        const int fd = ::ioctl(device->get(), USERFAULTFD_IOC_NEW, flags);
        if (fd >= 0)
            return UniqueFd(fd);
    }
    const auto fd = static_cast<int>(::syscall(SYS_userfaultfd, flags));
    if (fd >= 0)
        return UniqueFd(fd);
    if (errno == EPERM)
        return lacks("userfaultfd(2) does not serve the kernel's own faults here",
                     "let the VMM's user open /dev/userfaultfd (Linux 6.1), or set "
                     "vm.unprivileged_userfaultfd = 1");
    if (errno == ENOSYS)
        return lacks("its kernel has no userfaultfd(2)", "boot a kernel with CONFIG_USERFAULTFD");
    return Error::from_errno(errno, "userfaultfd");
}

Status agree(int fd) {
    uffdio_api api = {UFFD_API, kFeatures, 0};
    if (::ioctl(fd, UFFDIO_API, &api) == 0)
        return {};
    return lacks("its userfaultfd(2) has no missing pages of shared memory and huge pages, or "
                 "does not tell who waits",
                 "use Linux 4.14 or later");
}

Result<UniqueFd> usable() {
    SEGUE_ASSIGN(UniqueFd fd, open_userfault());
    SEGUE_TRY(agree(fd.get()));
    return fd;
}

bool huge_by_default(const char* of) {
    std::string how;
    std::getline(std::ifstream(std::string("/sys/kernel/mm/transparent_hugepage/") + of), how);
    for (const char* chosen : {"[always]", "[within_size]", "[force]"})
        if (how.find(chosen) != std::string::npos)
            return true;
    return false;
}

bool watch(int epoll, int fd) {
    epoll_event e = {EPOLLIN, {}};
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

} // namespace

Userfault::Range Userfault::range(std::uint32_t block, std::uint64_t first, std::uint64_t n) const {
    const inventory::RamBlock& b = inventory_.blocks()[block];
    return {reinterpret_cast<std::uintptr_t>(b.base()) + first * kPageBytes, n * kPageBytes,
            std::uint64_t{1} << b.page_shift};
}

Status Userfault::check() {
    SEGUE_TRY(usable());
    return {};
}

Status Userfault::begin(const std::vector<std::uint32_t>& blocks) {
    SEGUE_ASSIGN(faults_, usable());
    SEGUE_ASSIGN(over_, sys::event());
    both_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!both_ || !watch(both_.get(), faults_.get()) || !watch(both_.get(), over_.get()))
        return Error::from_errno(errno, "epoll");
    blocks_ = blocks;
    for (const std::uint32_t block : blocks_)
        SEGUE_TRY(try_block(block));
    return huge_pages_off();
}

Status Userfault::try_block(std::uint32_t block) const {
    const inventory::RamBlock& b = inventory_.blocks()[block];
    if (Status s = register_block(block); !s)
        return Error(Code::Refused,
                     "RAM block '" + b.id + "' (memory/" + b.backend +
                         ") is of a kind that a guest cannot be stopped at: " + s.error().what())
            .way_out(std::string("give the new VMM memory/memfd, hugetlbfs or private for it, ") +
                     kOtherMode)
            .with("block", b.id);
    unregister_block(block);
    return {};
}

Status Userfault::register_block(std::uint32_t block) const {
    const Range all = range(block, 0, inventory_.blocks()[block].bytes / kPageBytes);
    uffdio_register r = {all.whole(), UFFDIO_REGISTER_MODE_MISSING, 0};
    SEGUE_TRY(sys::ioctl(faults_.get(), UFFDIO_REGISTER, &r, "UFFDIO_REGISTER"));
    if ((r.ioctls & (std::uint64_t{1} << _UFFDIO_COPY)) == 0)
        return Error(Code::Unsupported, "no page of it can be put there");
    return {};
}

void Userfault::unregister_block(std::uint32_t block) const noexcept {
    uffdio_range all = range(block, 0, inventory_.blocks()[block].bytes / kPageBytes).whole();
    (void)::ioctl(faults_.get(), UFFDIO_UNREGISTER, &all);
}

// There is no advice that takes an advice back: where neither was given it depends on the host
// whether there is anything to turn off.
Status Userfault::huge_pages_off() {
    SEGUE_ASSIGN(const std::vector<VmArea> areas, vm_areas());
    for (const std::uint32_t i : blocks_) {
        const inventory::RamBlock& b = inventory_.blocks()[i];
        const bool shared = (b.map_flags & MAP_SHARED) != 0;
        bool huge = b.page_shift == 12 && huge_by_default(shared ? "shmem_enabled" : "enabled");
        for (const VmArea& area : areas)
            if (area.overlaps(b.base(), 1))
                huge = b.page_shift == 12 && (huge || area.has("hg")) && !area.has("nh");
        if (!huge)
            continue;
        SEGUE_TRY(sys::madvise(b.base(), b.bytes, MADV_NOHUGEPAGE));
        huge_.push_back(i);
    }
    return {};
}

Status Userfault::discard(std::uint32_t block, std::uint64_t first, std::uint64_t n) {
    return inventory_.blocks()[block].drop(first * kPageBytes, n * kPageBytes);
}

Status Userfault::arm() {
    for (const std::uint32_t block : blocks_) {
        SEGUE_TRY(register_block(block));
        const std::uint64_t page = std::uint64_t{1} << inventory_.blocks()[block].page_shift;
        if (page == kPageBytes)
            continue;
        zeros_.resize(std::max<std::size_t>(zeros_.size(), page));
        SEGUE_TRY(reserve(block));
    }
    return {};
}

// What was discarded went back to the host's pool without its reservation, and would be anybody's:
// to map the file reserves what it has not (Linux Documentation/mm/hugetlbfs_reserv.rst).
Status Userfault::reserve(std::uint32_t block) const {
    const inventory::RamBlock& b = inventory_.blocks()[block];
    const auto again = Mapping::make(b.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd.get(),
                                     static_cast<off_t>(b.offset), "RAM block '" + b.id + "'");
    if (again)
        return {};
    return Error(Code::Refused, "the host's pool of huge pages has no room for what RAM block '" +
                                    b.id + "' still gets: " + again.error().what())
        .way_out("make the pool larger: somebody else has taken pages of it meanwhile")
        .with("block", b.id);
}

const inventory::RamBlock* Userfault::block_of(std::uint64_t address, std::uint32_t& index) const {
    for (const std::uint32_t i : blocks_) {
        const inventory::RamBlock& b = inventory_.blocks()[i];
        const auto base = reinterpret_cast<std::uintptr_t>(b.base());
        if (address >= base && address < base + b.bytes) {
            index = i;
            return &b;
        }
    }
    return nullptr;
}

Result<std::size_t> Userfault::read(std::span<ports::Fault> faults) {
    std::array<uffd_msg, 64> messages;
    const std::size_t room = std::min(messages.size(), faults.size()) * sizeof(uffd_msg);
    const auto got = sys::retry([&] { return ::read(faults_.get(), messages.data(), room); });
    if (got < 0 && errno == EAGAIN)
        return std::size_t{0};
    if (got < 0)
        return Error::from_errno(errno, "read from the userfaultfd");
    std::size_t n = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / sizeof(uffd_msg); ++i) {
        const auto& fault = messages[i].arg.pagefault;
        std::uint32_t block = 0;
        if (messages[i].event != UFFD_EVENT_PAGEFAULT)
            continue;
        if (const inventory::RamBlock* b = block_of(fault.address, block); b != nullptr)
            faults[n++] = {block, fault.feat.ptid,
                           (fault.address - reinterpret_cast<std::uintptr_t>(b->base())) /
                               kPageBytes};
    }
    return n;
}

// A page that is there ends the copy before it.
Status Userfault::place(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                        std::span<const std::byte> bytes, std::uint64_t& placed) {
    const Range to = range(block, first, n);
    for (std::uint64_t at = 0; at < to.bytes; placed = at / kPageBytes) {
        uffdio_copy copy = {to.start + at, reinterpret_cast<std::uintptr_t>(bytes.data()) + at,
                            to.bytes - at, 0, 0};
        const int why = ::ioctl(faults_.get(), UFFDIO_COPY, &copy) == 0 ? 0 : errno;
        if (why == 0) {
            at = to.bytes;
        } else if (copy.copy > 0) {
            at += static_cast<std::uint64_t>(copy.copy);
        } else if (why == EEXIST) {
            SEGUE_TRY(take_away(block, first + at / kPageBytes));
        } else if (why != EAGAIN) {
            return Error::from_errno(why, "UFFDIO_COPY to guest RAM")
                .way_out("the host, or the cgroup that the VMM is in, needs room for the guest's "
                         "RAM");
        }
    }
    return {};
}

// Another process has it mapped and has looked at the page, which made it. Who is here has not seen
// it, or has read zeros.
Status Userfault::take_away(std::uint32_t block, std::uint64_t page) {
    const Range whole = range(block, page, 1);
    SEGUE_ASSIGN(Pagemap map, Pagemap::open());
    SEGUE_TRY(map.look(inventory_.blocks()[block].base() + page * kPageBytes, 1));
    if (map.exists(0))
        return Error(Code::Corrupt, "a page of RAM block '" + inventory_.blocks()[block].id +
                                        "' was there before it came, and the guest has used it")
            .way_out("keep other programs from mapping the RAM of a guest that is on its way: "
                     "who only reads it uses pread(2)")
            .with("block", inventory_.blocks()[block].id);
    return discard(block, page, whole.page / kPageBytes);
}

Status Userfault::place_zeros(std::uint32_t block, std::uint64_t first, std::uint64_t n) {
    const Range to = range(block, first, n);
    for (std::uint64_t at = 0; at < to.bytes; at += to.page) {
        uffdio_zeropage zero = {{to.start + at, to.page}, 0, 0};
        uffdio_copy copy = {to.start + at, reinterpret_cast<std::uintptr_t>(zeros_.data()), to.page,
                            0, 0};
        const bool small = to.page == kPageBytes;
        int done = 0;
        do {
            done = small ? ::ioctl(faults_.get(), UFFDIO_ZEROPAGE, &zero)
                         : ::ioctl(faults_.get(), UFFDIO_COPY, &copy);
        } while (done != 0 && errno == EAGAIN);
        if (done != 0 && errno != EEXIST)
            return Error::from_errno(errno, "a page of zeros for guest RAM");
    }
    return {};
}

void Userfault::wake(std::uint32_t block, std::uint64_t first, std::uint64_t n) noexcept {
    uffdio_range r = range(block, first, n).whole();
    (void)::ioctl(faults_.get(), UFFDIO_WAKE, &r);
}

// The descriptors stay: others may be reading.
void Userfault::disarm() noexcept {
    for (const std::uint32_t block : blocks_)
        unregister_block(block);
    for (const std::uint32_t block : huge_)
        (void)::madvise(inventory_.blocks()[block].base(), inventory_.blocks()[block].bytes,
                        MADV_HUGEPAGE);
    if (over_)
        sys::signal_event(over_.get());
}

void Userfault::close() noexcept {
    disarm();
    both_.reset();
    over_.reset();
    faults_.reset();
    blocks_.clear();
    huge_.clear();
}

} // namespace segue::vmm

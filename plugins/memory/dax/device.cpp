// SPDX-License-Identifier: Apache-2.0
#include "device.hpp"

#include <sys/file.h>
#include <sys/sysmacros.h>

#include <bit>
#include <cstring>
#include <fstream>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/sys.hpp>

namespace segue::dax {

namespace {

constexpr std::uint64_t kMagic = 0x4d41524555474553; // "SEGUERAM"
constexpr std::uint64_t kStamp = 4096;               // beside the mark

// The device's last pages begin with it. Zeroes: nobody's.
struct Mark {
    std::uint64_t magic;
    std::uint64_t bytes; // of the RAM, from the device's first byte on
    char name[64];       // of the block; cut off
};

Mark mark_of(const std::string& name, std::uint64_t bytes) {
    Mark m = {kMagic, bytes, {}};
    std::strncpy(m.name, name.c_str(), sizeof m.name - 1);
    return m;
}

// A device cannot be read or written, only mapped.
Result<Mapping> last_page(int fd, std::uint64_t page, std::uint64_t at) {
    return Mapping::make(page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                         static_cast<off_t>(at - at % page), "the DAX device's last page");
}

Result<Mark> read_mark(int fd, std::uint64_t page, std::uint64_t at) {
    SEGUE_ASSIGN(const Mapping map, last_page(fd, page, at));
    Mark m = {};
    std::memcpy(&m, map.data() + at % page, sizeof m);
    m.name[sizeof m.name - 1] = 0;
    return m;
}

Status write_mark(int fd, std::uint64_t page, std::uint64_t at, const Mark& mark) {
    SEGUE_ASSIGN(const Mapping map, last_page(fd, page, at));
    std::memcpy(map.data() + at % page, &mark, sizeof mark);
    return {};
}

std::string sized(std::uint64_t bytes) {
    return std::to_string(bytes) + " bytes";
}

} // namespace

Result<Device::Shape> Device::shape_of(int fd) const {
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    const std::string dir =
        sysfs_ + "/" + std::to_string(major(s.st_rdev)) + ":" + std::to_string(minor(s.st_rdev));
    Shape shape;
    std::ifstream size(dir + "/size"), align(dir + "/align");
    if (!S_ISCHR(s.st_mode) || !(size >> shape.bytes) || !(align >> shape.page))
        return Error(Code::Invalid,
                     path_ + " is no device of device DAX: " + dir + " has no size and align")
            .way_out("ndctl create-namespace -m devdax makes one; without ndctl, through "
                     "/sys/bus/nd and /sys/bus/dax");
    if (!std::has_single_bit(shape.page) || shape.page < 4096 || shape.page > 1ull << 30 ||
        shape.bytes < 4 * shape.page || shape.bytes % shape.page != 0)
        return Error(Code::Unsupported,
                     path_ + " has " + sized(shape.bytes) + " in pages of " + sized(shape.page));
    return shape;
}

Result<Device::Opened> Device::open() const {
    Opened o;
    SEGUE_ASSIGN(o.fd, sys::open(path_, O_RDWR | O_NOFOLLOW | O_NONBLOCK));
    SEGUE_ASSIGN(o.shape, shape_of(o.fd.get()));
    return o;
}

Status Device::fits(const Shape& shape, std::uint64_t bytes) const {
    if (bytes == 0 || bytes % shape.page != 0)
        return Error(Code::Invalid, sized(bytes) + " are not whole pages of " + path_ +
                                        ", which have " + sized(shape.page))
            .way_out("choose a size that is a multiple of that, or another alignment of the "
                     "namespace");
    if (bytes <= shape.mark())
        return {};
    return Error(Code::Refused, path_ + " has room for " + sized(shape.mark()) +
                                    " of RAM, not for " + std::to_string(bytes))
        .way_out("make the block smaller, or the namespace larger; its last pages are kept to tell "
                 "whose it is");
}

// Whoever uses the device holds it shared: the generations of one guest, which open it anew or hand
// the open file on. Who takes it for another guest must find it free.
Status Device::lock(int fd, int how) const {
    if (::flock(fd, how | LOCK_NB) == 0)
        return {};
    if (errno != EWOULDBLOCK)
        return Error::from_errno(errno, "lock " + path_);
    return Error(Code::Exists, "a guest that runs uses " + path_)
        .way_out("shut it down, or set another 'path'");
}

Status Device::check_mark(int fd, const Shape& shape, const std::string& name,
                          std::uint64_t bytes) const {
    SEGUE_ASSIGN(const Mark has, read_mark(fd, shape.page, shape.mark()));
    const Mark wanted = mark_of(name, bytes);
    if (std::memcmp(&has, &wanted, sizeof has) == 0)
        return {};
    const std::string what = has.magic != kMagic
                                 ? "nobody's RAM"
                                 : "block '" + std::string(has.name) + "' of " + sized(has.bytes);
    return Error(Code::Refused,
                 path_ + " holds " + what + ", not block '" + name + "' of " + sized(bytes))
        .way_out(
            "the guest cannot go on with it: 'path' must name the device that it was saved on");
}

Status Device::check(std::uint64_t bytes, bool overwrite) const {
    SEGUE_ASSIGN(const Opened o, open());
    SEGUE_TRY(fits(o.shape, bytes));
    SEGUE_TRY(lock(o.fd.get(), LOCK_EX));
    SEGUE_ASSIGN(const Mark has, read_mark(o.fd.get(), o.shape.page, o.shape.mark()));
    if (has.magic != kMagic || overwrite)
        return {};
    return Error(Code::Exists, path_ + " holds RAM of a guest: block '" + std::string(has.name) +
                                   "' of " + sized(has.bytes))
        .way_out("segue list says whether a guest rests there; where none does (a VMM was killed), "
                 "overwrite = true takes the device, and what is in it is lost");
}

Result<Block> Device::make(const std::string& name, std::uint64_t bytes, bool overwrite) const {
    SEGUE_TRY(check(bytes, overwrite));
    SEGUE_ASSIGN(Opened o, open());
    SEGUE_TRY(lock(o.fd.get(), LOCK_EX));
    SEGUE_TRY(write_mark(o.fd.get(), o.shape.page, o.shape.mark(), mark_of(name, bytes)));
    SEGUE_ASSIGN(const Mapping ram,
                 Mapping::make(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, o.fd.get(), 0, path_));
    std::memset(ram.data(), 0, ram.size());
    SEGUE_TRY(lock(o.fd.get(), LOCK_SH));
    SEGUE_ASSIGN(Block b, verify(name, o.fd.get(), 0, bytes));
    b.fd = std::move(o.fd);
    return b;
}

Result<Block> Device::reopen(const std::string& name, std::uint64_t bytes) const {
    SEGUE_ASSIGN(Opened o, open());
    SEGUE_TRY(lock(o.fd.get(), LOCK_SH));
    SEGUE_ASSIGN(Block b, verify(name, o.fd.get(), 0, bytes));
    b.fd = std::move(o.fd);
    return b;
}

Result<Block> Device::verify(const std::string& name, int fd, std::uint64_t offset,
                             std::uint64_t bytes) const {
    SEGUE_ASSIGN(const Shape shape, shape_of(fd));
    SEGUE_TRY(fits(shape, bytes));
    if (offset != 0)
        return Error(Code::Refused, "adopt " + path_ + ": RAM begins with the device");
    SEGUE_TRY(check_mark(fd, shape, name, bytes));
    Block b;
    b.bytes = bytes;
    b.page_shift = static_cast<std::uint32_t>(std::countr_zero(shape.page));
    b.stamp = shape.mark() + kStamp;
    return b;
}

void Device::forget() const {
    const auto o = open();
    if (o)
        (void)write_mark(o->fd.get(), o->shape.page, o->shape.mark(), Mark{}).ok();
}

} // namespace segue::dax

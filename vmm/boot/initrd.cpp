// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/initrd.hpp"

#include <algorithm>
#include <optional>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr std::uint64_t kPage = 4096;

Error bad(const std::string& path, const std::string& why) {
    return Error(Code::Invalid, "initrd " + path + ": " + why);
}

std::optional<std::uint64_t> place(std::uint64_t bytes, const KernelImage& kernel,
                                   const GuestRam& ram) {
    std::optional<std::uint64_t> best;
    for (const HostRegion& r : ram.regions()) {
        const std::uint64_t low = std::max(r.ram.guest, kernel.end());
        const std::uint64_t high =
            std::min({r.ram.guest + r.ram.bytes, kernel.initrd_limit(), kLowRamEnd});
        if (high < bytes)
            continue;
        const std::uint64_t at = (high - bytes) / kPage * kPage;
        if (at >= low && (!best || at > *best))
            best = at;
    }
    return best;
}

} // namespace

Result<Initrd> Initrd::open(const std::string& path, const KernelImage& kernel,
                            const GuestRam& ram) {
    Initrd initrd;
    if (path.empty())
        return initrd;
    auto file = sys::open(path, O_RDONLY | O_NONBLOCK);
    if (!file)
        return Error(std::move(file).error()).while_doing("initrd");
    SEGUE_ASSIGN(const struct stat s, sys::stat(file->get()));
    if (!S_ISREG(s.st_mode) || s.st_size == 0)
        return bad(path, S_ISREG(s.st_mode) ? "is empty" : "is not a regular file")
            .way_out("give [guest] initrd a cpio archive, or leave it out");
    const auto bytes = static_cast<std::uint64_t>(s.st_size);
    const auto at = place(bytes, kernel, ram);
    if (!at)
        return bad(path, "its " + std::to_string(bytes) +
                             " bytes find no room in guest RAM between the end of the kernel at " +
                             std::to_string(kernel.end() >> 20) + " MiB and " +
                             std::to_string(std::min(kernel.initrd_limit(), kLowRamEnd) >> 20) +
                             " MiB")
            .way_out("give the guest more memory");
    initrd.path_ = path;
    initrd.file_ = std::move(*file);
    initrd.range_ = {*at, bytes};
    return initrd;
}

Status Initrd::load(const GuestRam& ram) const {
    if (range_.bytes == 0)
        return {};
    SEGUE_ASSIGN(const auto to, ram.at(range_.guest, range_.bytes));
    if (auto read = sys::pread_all(file_.get(), to, 0); !read)
        return Error(std::move(read).error()).while_doing("initrd " + path_);
    return {};
}

} // namespace segue::vmm

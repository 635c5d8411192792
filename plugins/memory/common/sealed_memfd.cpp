// SPDX-License-Identifier: Apache-2.0
#include "plugins/memory/common/sealed_memfd.hpp"

#include <segue/cpp/sys.hpp>

namespace segue::sealed_memfd {

namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

} // namespace

Result<UniqueFd> make(const std::string& name, std::uint64_t bytes, unsigned flags) {
    SEGUE_ASSIGN(UniqueFd fd, sys::memfd("segue:" + name, MFD_ALLOW_SEALING | flags));
    SEGUE_TRY(sys::truncate(fd.get(), bytes));
    SEGUE_TRY(sys::seal(fd.get(), kSeals));
    return fd;
}

Status verify(const std::string& name, int fd, std::uint64_t offset, std::uint64_t bytes) {
    auto has = sys::seals(fd); // EINVAL: not of memfd_create
    if (!has)
        return std::move(has).error().while_doing("adopt " + name + " as a memfd");
    if ((*has & kSeals) != kSeals)
        return Error(Code::Refused, "adopt " + name + ": its size is not sealed");
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    const auto size = static_cast<std::uint64_t>(s.st_size);
    if (offset > size || bytes > size - offset)
        return Error(Code::Refused, "adopt " + name + ": the memfd has " + std::to_string(size) +
                                        " bytes, too few for " + std::to_string(bytes) + " at " +
                                        std::to_string(offset));
    return {};
}

} // namespace segue::sealed_memfd

// SPDX-License-Identifier: Apache-2.0
// initrd.hpp - the file system that a kernel starts with, as high below 3 GiB as it goes.
#pragma once

#include <string>

#include <segue/cpp/unique_fd.hpp>

#include "vmm/boot/image.hpp"

namespace segue::vmm {

class Initrd {
public:
    // `path` "": none. Finds a place above the kernel, in one region of RAM; writes nothing.
    static Result<Initrd> open(const std::string& path, const KernelImage& kernel,
                               const GuestRam& ram);

    GuestRange range() const { return range_; }
    Status load(const GuestRam& ram) const;

private:
    std::string path_;
    UniqueFd file_;
    GuestRange range_;
};

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// host.hpp - what of this host Segue and its plugins use.
#pragma once

#include "core/base/places.hpp"
#include "vmm/doctor/finding.hpp"

namespace segue::vmm {

// Where a test puts another host in their place.
struct HostFiles {
    std::string dev = "/dev", sys = "/sys", proc = "/proc";
};

// Changes nothing. [main]
Findings look_at_host(const Places& places, const HostFiles& files = {});

} // namespace segue::vmm

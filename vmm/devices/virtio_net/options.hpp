// SPDX-License-Identifier: Apache-2.0
// options.hpp - the keys of model "virtio-net".
#pragma once

#include "core/config/schema.hpp"

namespace segue::vmm {

inline constexpr config::Key kVirtioNetOptions[] = {
    {"tap", {config::Type::String}, false, "", "name of the tap interface, which must exist"},
    {"fd",
     {config::Type::String},
     false,
     "",
     "descriptors of a tap that the VMM was started with, one a pair: \"5,6\""},
    {"queues",
     {config::Type::Uint, 1, 8},
     false,
     "1",
     "pairs of queues, each with its own in the tap"},
    {"mac",
     {config::Type::String},
     false,
     "",
     "the address; empty: made of the names of guest and device"},
    {"mtu", {config::Type::Uint, 0, 65535}, false, "0", "that the guest is told; 0: nothing"},
    {"offloads",
     {config::Type::Bool},
     false,
     "true",
     "checksums and segmentation may be left to the other side"},
    {"vhost",
     {config::Type::Choice, 0, 0, "auto|on|off"},
     false,
     "auto",
     "whether the kernel's vhost-net carries the frames; auto: where there is one"},
};

} // namespace segue::vmm

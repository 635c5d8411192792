// SPDX-License-Identifier: Apache-2.0
// uring_io.hpp - host I/O by io_uring(7).
#pragma once

#include <memory>

#include <segue/cpp/result.hpp>

#include "vmm/devices/virtio_block/host_io.hpp"

namespace segue::vmm {

// On `file`, which outlives it.
Result<std::unique_ptr<HostIo>> make_uring_io(int file);

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// uapi.hpp - the kernel's headers of virtio, whose names are those of the specification.
#pragma once

#define VIRTIO_RING_NO_LEGACY // whose inline functions are not C++

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

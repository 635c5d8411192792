// SPDX-License-Identifier: Apache-2.0
// vhost_uapi.hpp - the kernel's header of vhost, without inline functions that are not C++.
#pragma once

#ifndef VIRTIO_RING_NO_LEGACY
#define VIRTIO_RING_NO_LEGACY
#endif

#include <linux/vhost.h>

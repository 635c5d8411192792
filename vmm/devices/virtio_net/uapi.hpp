// SPDX-License-Identifier: Apache-2.0
// uapi.hpp - the kernel's header of network cards, which has a member by the name of `class`.
#pragma once

#include <linux/if_ether.h>
#include <linux/types.h>
#include <linux/virtio_ids.h>

#define VIRTIO_NET_NO_LEGACY
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define class cls
#include <linux/virtio_net.h>
#undef class
#ifdef __clang__
#pragma clang diagnostic pop
#endif

// SPDX-License-Identifier: Apache-2.0
// uapi.hpp - <linux/kvm.h> as the kernel lays it out; include it instead of that header.
#pragma once

#include <linux/stddef.h>

// Kernel headers before 6.6 put an empty struct before every flexible array. It has no size in C
// but one byte in C++, which moves the array and changes the request numbers made from the size.
#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(type, name) type name[0]

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <linux/kvm.h>
#pragma GCC diagnostic pop

static_assert(sizeof(kvm_cpuid2) == 8 && sizeof(kvm_msrs) == 8 && sizeof(kvm_msr_list) == 4);
static_assert(sizeof(kvm_xsave) == 4096);

// SPDX-License-Identifier: Apache-2.0
// layout.h - addresses, selectors, vectors and offsets that the guest's C and assembler share.
#pragma once

#include "core/observer/page.h"

#define TRAMPOLINE 0x8000 // where the other vCPUs start, in real mode (SIPI vector 8)
#define LAPIC 0xfee00000

#define SEL_CODE32 0x08
#define SEL_CODE64 0x10
#define SEL_DATA 0x18
#define SEL_USER_DATA 0x23
#define SEL_USER_CODE 0x2b
#define SEL_TSS 0x30 // of vCPU 0; 16 bytes each

#define VECTOR_PIC 0x20 // IRQ 0: the PIT
#define VECTOR_TIMER 0x40
#define VECTOR_HALT 3 // a breakpoint: our service, as CPL 3 cannot halt (README.md)
#define VECTOR_SPURIOUS 0xff

// A task state segment with an I/O map of ports 0 to 0x7ff, all allowed, and its closing byte.
#define TSS_IO_MAP 104
#define TSS_LIMIT (TSS_IO_MAP + 256)
#define TSS_BYTES 512
#define KERNEL_STACK_BYTES 256
#define USER_STACK_BYTES 4096

// Offsets in struct cpu (guest.h).
#define CPU_SLOT 0
#define CPU_AT 8
#define CPU_END 16
#define CPU_KEY_OLD 24
#define CPU_KEY_NEW 32
#define CPU_MASK 40
#define CPU_SERVICE_TSC 48
#define CPU_FEATURES 56
#define CPU_TSC 64

// The sequence in RAM: f(address, key) = m ^ (m >> 32), m = (address + key) * SEQUENCE_FACTOR.
#define SEQUENCE_FACTOR 0x9fb21c651e98df25

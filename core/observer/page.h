// SPDX-License-Identifier: Apache-2.0
// page.h - what a bare guest tells an observer who only sees its RAM.
//
// The observation page lies at guest-physical SEGUE_PAGE_GPA: one header, then one slot for each
// vCPU. The guest alone writes it; an observer maps the guest's RAM read-only and polls. Every
// field is a naturally aligned little-endian integer written by one store of one vCPU, so a reader
// never sees half of one; two fields are not consistent with each other.
// C11, C++20 and (for the #defines) assembler; freestanding.
#pragma once

#define SEGUE_PAGE_GPA 0x100000             // 1 MiB
#define SEGUE_PAGE_BYTES 0x8000             // reserved from there; no PT_LOAD segment overlaps it
#define SEGUE_PAGE_MAGIC 0x4d4f5254454d4753 // "SGMETROM"
#define SEGUE_PAGE_VERSION 1
#define SEGUE_PAGE_MAX_VCPUS 64
#define SEGUE_PAGE_SLOT_BYTES 256

// Offsets in a slot, for assembler; pinned to the struct below.
#define SEGUE_SLOT_COUNTER 0
#define SEGUE_SLOT_TIMER_TICKS 64
#define SEGUE_SLOT_PIT_TICKS 72
#define SEGUE_SLOT_STATE 96
#define SEGUE_SLOT_GAP_CYCLES 192
#define SEGUE_SLOT_GAP_END 200
#define SEGUE_SLOT_TSC_BACKWARD 208
#define SEGUE_SLOT_FAULT_VECTOR 216
#define SEGUE_SLOT_FAULT_RIP 224

// segue_page_slot.state: what this vCPU has reached, and which registers it carries a signature in.
#define SEGUE_STATE_ONLINE 0x1 // it runs at CPL 3
#define SEGUE_STATE_FILLED 0x2 // its share of RAM holds a sequence: verified from now on
#define SEGUE_STATE_X87 0x10
#define SEGUE_STATE_SSE 0x20
#define SEGUE_STATE_AVX 0x40    // upper halves of ymm
#define SEGUE_STATE_FSGS 0x80   // FS base and GS base
#define SEGUE_STATE_FAULT 0x100 // it took an exception and stands still: see fault_vector

// segue_page_slot.reg_bad: bit 0-13 xmm0-13, bit 16-29 upper half of ymm0-13, bit 32-39 x87 r0-r7.
#define SEGUE_REG_XMM 0
#define SEGUE_REG_YMM 16
#define SEGUE_REG_X87 32
#define SEGUE_REG_FS 40
#define SEGUE_REG_GS 41
#define SEGUE_REG_GPR_SEQUENCE 42 // r12, r13
#define SEGUE_REG_GPR_ROUND 43    // r14, r15

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct segue_page_slot {
    uint64_t counter; // goes up in every step of the loop; the only field of its cache line
    uint64_t pad0[7];

    uint64_t timer_ticks; // by the local APIC; may lose or double one when a machine moves
    uint64_t pit_ticks;   // by PIT and PIC; vCPU 0 only
    uint64_t passes;      // sweeps over its share that are complete; the first one only fills
    uint64_t share_bytes; // of RAM that it walks
    uint64_t state;       // SEGUE_STATE_*
    uint64_t pad1[3];

    uint64_t mem_errors;    // wrong 8-byte words
    uint64_t mem_bad_pages; // 4 KiB pages with a wrong word, once each sweep
    uint64_t mem_address;   // the first wrong word: guest-physical address,
    uint64_t mem_expected;  // what it should hold
    uint64_t mem_found;     // and what it held
    uint64_t reg_errors;    // checks that found a register wrong
    uint64_t reg_bad;       // which, all checks or-ed: SEGUE_REG_*
    uint64_t pad2;

    uint64_t gap_cycles;   // the longest time between two reads of the TSC one after the other
    uint64_t gap_end_tsc;  // the TSC at its end
    uint64_t tsc_backward; // how often the TSC went backward
    uint64_t fault_vector; // of the exception, with SEGUE_STATE_FAULT
    uint64_t fault_rip;
    uint64_t pad3[3];
};

struct segue_page_header {
    uint64_t magic; // SEGUE_PAGE_MAGIC; written last when the guest boots
    uint32_t version;
    uint32_t vcpus;
    uint64_t boot_count; // goes up in each boot and is never cleared: 1 unless the guest reset
    uint64_t tsc_khz;    // as the guest was told or has measured
    uint64_t ram_bytes;  // by the memory map of the start info
    uint64_t boot_tsc;   // the TSC when the guest began
    uint64_t wake_count; // how often it woke from ACPI S3 since it booted
    uint64_t pad[25];
};

struct segue_page {
    struct segue_page_header header;
    struct segue_page_slot slot[SEGUE_PAGE_MAX_VCPUS];
};

#ifdef __cplusplus
#define SEGUE_PAGE_ASSERT(what) static_assert(what, #what)
#else
#define SEGUE_PAGE_ASSERT(what) _Static_assert(what, #what)
#endif
#define SEGUE_PAGE_AT(field, offset)                                                               \
    SEGUE_PAGE_ASSERT(offsetof(struct segue_page_slot, field) == (offset))
SEGUE_PAGE_AT(counter, SEGUE_SLOT_COUNTER);
SEGUE_PAGE_AT(timer_ticks, SEGUE_SLOT_TIMER_TICKS);
SEGUE_PAGE_AT(pit_ticks, SEGUE_SLOT_PIT_TICKS);
SEGUE_PAGE_AT(passes, 80);
SEGUE_PAGE_AT(share_bytes, 88);
SEGUE_PAGE_AT(state, SEGUE_SLOT_STATE);
SEGUE_PAGE_AT(mem_errors, 128);
SEGUE_PAGE_AT(mem_bad_pages, 136);
SEGUE_PAGE_AT(mem_address, 144);
SEGUE_PAGE_AT(mem_expected, 152);
SEGUE_PAGE_AT(mem_found, 160);
SEGUE_PAGE_AT(reg_errors, 168);
SEGUE_PAGE_AT(reg_bad, 176);
SEGUE_PAGE_AT(gap_cycles, SEGUE_SLOT_GAP_CYCLES);
SEGUE_PAGE_AT(gap_end_tsc, SEGUE_SLOT_GAP_END);
SEGUE_PAGE_AT(tsc_backward, SEGUE_SLOT_TSC_BACKWARD);
SEGUE_PAGE_AT(fault_vector, SEGUE_SLOT_FAULT_VECTOR);
SEGUE_PAGE_AT(fault_rip, SEGUE_SLOT_FAULT_RIP);
SEGUE_PAGE_ASSERT(sizeof(struct segue_page_slot) == SEGUE_PAGE_SLOT_BYTES);
SEGUE_PAGE_ASSERT(offsetof(struct segue_page_header, vcpus) == 12);
SEGUE_PAGE_ASSERT(offsetof(struct segue_page_header, boot_count) == 16);
SEGUE_PAGE_ASSERT(offsetof(struct segue_page_header, tsc_khz) == 24);
SEGUE_PAGE_ASSERT(sizeof(struct segue_page_header) == 256);
SEGUE_PAGE_ASSERT(sizeof(struct segue_page) <= SEGUE_PAGE_BYTES);
#undef SEGUE_PAGE_AT

#endif // __ASSEMBLER__

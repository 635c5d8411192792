// SPDX-License-Identifier: Apache-2.0
// guest.h - what the guest's C files share. All of it runs at CPL 3, IOPL 3, on its own vCPU.
#pragma once

#include <stdbool.h>

#include "vmm/metronome/layout.h"

// One vCPU. The first part is read by loop.S.
struct cpu {
    struct segue_page_slot* slot;
    uint64_t at, end;          // the run of addresses that the loop walks now
    uint64_t key_old, key_new; // of the sweep before, and of this one
    uint64_t mask;             // 0 in the first sweep, which verifies nothing; then ~0
    uint64_t service_tsc;      // when the loop calls guest_service() next
    uint32_t features;         // SEGUE_STATE_X87 ... SEGUE_STATE_FSGS
    uint32_t number;
    uint64_t tsc; // the last one that was counted: guest_service() may count on
    uint64_t share_begin, share_end, share_at; // in usable RAM, counted without its holes
    uint64_t last_bad_page;
    uint64_t due_tsc; // with `rate`: when the next page is
};
_Static_assert(offsetof(struct cpu, slot) == CPU_SLOT, "");
_Static_assert(offsetof(struct cpu, at) == CPU_AT, "");
_Static_assert(offsetof(struct cpu, end) == CPU_END, "");
_Static_assert(offsetof(struct cpu, key_old) == CPU_KEY_OLD, "");
_Static_assert(offsetof(struct cpu, key_new) == CPU_KEY_NEW, "");
_Static_assert(offsetof(struct cpu, mask) == CPU_MASK, "");
_Static_assert(offsetof(struct cpu, service_tsc) == CPU_SERVICE_TSC, "");
_Static_assert(offsetof(struct cpu, features) == CPU_FEATURES, "");
_Static_assert(offsetof(struct cpu, tsc) == CPU_TSC, "");

// The command line: words like "vcpus=2", apart by spaces. Unknown ones are for others.
struct options {
    uint32_t vcpus;    // 1
    uint64_t print_ms; // 1000; 0: never
    uint64_t share;    // bytes of RAM that a vCPU walks, at most; 0: all there is
    uint64_t tsc_khz;  // 0: measure by the PIT
    uint64_t rate;     // bytes a second that a vCPU rewrites of a share once it is filled
};

#define NO_RATE (~0ull)

extern struct options options;

static inline bool paced(void) {
    return options.rate != NO_RATE;
}
extern struct cpu cpus[SEGUE_PAGE_MAX_VCPUS];

static struct segue_page* const page = (struct segue_page*)SEGUE_PAGE_GPA;

// start.c: PVH's hvm_start_info.
void read_start_info(void);
uint64_t root_table(void); // ACPI's RSDP; 0: none

// memory.c
void add_ram(uint64_t begin, uint64_t size);
void map_ram(void);
bool take_share(struct cpu* cpu);
// After a sleep: each word is of the sweep that was cut off, or of the one before.
void check_share(struct cpu* cpu);
uint64_t share_address(const struct cpu* cpu);

// interrupts.c
void init_idt(void);
void clear_idt(void);
void init_pic(void);
void init_pit(void);
uint64_t measure_tsc_khz(void);
void init_lapic(uint32_t number);
void copy_trampoline(void);
bool start_cpu(uint32_t number);

// suspend.c
void go_to_sleep(void);
bool has_slept(void); // once after each wake-up

// pace.c: waits until the next page is due, and counts.
void keep_pace(struct cpu* cpu);

// console.c
void init_console(void);
void say_boot(void);
void say_wake(void);
_Noreturn void die(const char* why);
void serve_console(const struct cpu* cpu); // [vCPU 0]

// loop.S, and what it calls back
_Noreturn void guest_loop(struct cpu* cpu);
void next_run(struct cpu* cpu);
void guest_service(struct cpu* cpu);
void wrong_word_found(struct cpu* cpu, uint64_t address, uint64_t difference);
void wrong_registers_found(struct cpu* cpu, uint64_t which);

static inline uint64_t read_tsc(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline void out16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
static inline void pause(void) {
    __asm__ volatile("pause");
}

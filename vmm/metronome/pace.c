// SPDX-License-Identifier: Apache-2.0
// pace.c - a guest that is not always busy: with `rate=` a vCPU rewrites so much of its share a
// second, and halts in between.
#include "vmm/metronome/guest.h"

#define PAGE 4096
#define MAX_LAG_MS 10 // more than that is not made up for: the guest stood still

static void halt(void) {
    __asm__ volatile("int3" : : : "memory"); // VECTOR_HALT
}

// A step of the loop that walks nothing.
static void count(struct cpu* cpu) {
    struct segue_page_slot* slot = cpu->slot;
    const uint64_t now = read_tsc();
    slot->counter++;
    if (now < cpu->tsc)
        slot->tsc_backward++;
    else if (now - cpu->tsc > slot->gap_cycles) {
        slot->gap_cycles = now - cpu->tsc;
        slot->gap_end_tsc = now;
    }
    cpu->tsc = now;
}

void keep_pace(struct cpu* cpu) {
    const uint64_t khz = page->header.tsc_khz;
    if (cpu->mask == 0) // it fills its share first
        return;
    if (cpu->due_tsc + MAX_LAG_MS * khz < cpu->tsc)
        cpu->due_tsc = cpu->tsc;
    while (cpu->tsc < cpu->due_tsc || options.rate == 0) {
        halt();
        count(cpu);
        if (cpu->number == 0)
            serve_console(cpu);
    }
    cpu->due_tsc += khz * 1000 * PAGE / options.rate;
}

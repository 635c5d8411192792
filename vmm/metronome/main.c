// SPDX-License-Identifier: Apache-2.0
// main.c - the guest at CPL 3: vCPU 0 sets all up and starts the others; then each joins the loop.
#include "vmm/metronome/guest.h"

// Zero but for the boot count, which is never cleared.
static void init_page(void) {
    const uint64_t boots = page->header.magic == SEGUE_PAGE_MAGIC ? page->header.boot_count : 0;
    for (unsigned i = 0; i < sizeof(struct segue_page) / 8; i++)
        ((volatile uint64_t*)page)[i] = 0;
    page->header.boot_count = boots + 1;
    page->header.version = SEGUE_PAGE_VERSION;
    page->header.boot_tsc = read_tsc();
}

static _Noreturn void join(struct cpu* cpu) {
    init_lapic(cpu->number);
    cpu->slot->state |= SEGUE_STATE_ONLINE | cpu->features;
    guest_loop(cpu);
}

static struct cpu* init_cpu(uint32_t number) {
    struct cpu* cpu = &cpus[number];
    cpu->number = number;
    cpu->slot = &page->slot[number];
    cpu->service_tsc = paced() ? 0 : ~0ull;
    if (!take_share(cpu))
        die("no RAM to walk: is there a memory map in hvm_start_info?");
    return cpu;
}

// Each with a walk that begins anew.
static void start_all(void) {
    for (uint32_t i = 0; i < options.vcpus; i++)
        init_cpu(i);
    init_lapic(0);
    for (uint32_t i = 1; i < options.vcpus; i++)
        if (!start_cpu(i))
            die("a vCPU did not start: are there fewer than vcpus=?");
}

static _Noreturn void lead(uint32_t features) {
    cpus[0].features = features;
    cpus[0].service_tsc = 0;
    join(&cpus[0]);
}

static _Noreturn void first_main(uint32_t features) {
    init_page();
    init_pic();
    read_start_info();
    init_console();
    map_ram();
    page->header.tsc_khz = options.tsc_khz != 0 ? options.tsc_khz : measure_tsc_khz();
    init_pit();
    page->header.vcpus = options.vcpus;
    start_all();
    say_boot();
    page->header.magic = SEGUE_PAGE_MAGIC;
    lead(features);
}

// Interrupt controllers, timer and console are as after a power-on, RAM is as it was.
static _Noreturn void wake_main(uint32_t features) {
    init_pic();
    init_console();
    init_pit();
    for (uint32_t i = 0; i < options.vcpus; i++) {
        check_share(&cpus[i]);
        page->slot[i].state = 0;
    }
    start_all();
    page->header.wake_count++;
    say_wake();
    lead(features);
}

// From boot.S.
_Noreturn void guest_main(uint32_t number, uint32_t features) {
    if (number == 0 && has_slept())
        wake_main(features);
    if (number == 0)
        first_main(features);
    cpus[number].features = features;
    join(&cpus[number]);
}

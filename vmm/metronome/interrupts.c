// SPDX-License-Identifier: Apache-2.0
// interrupts.c - IDT, PIC and PIT, local APIC, and how the other vCPUs are started. Ports and the
// local APIC's registers are reached from CPL 3: IOPL is 3 and the page is the user's.
#include "vmm/metronome/guest.h"

#define PIT_HZ 1193182
#define TICKS_HZ 100
#define PACED_TICKS_HZ 1000    // a halted vCPU looks at the time at each
#define APIC_BUS_HZ 1000000000 // KVM's; another one only makes the ticks faster or slower

struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, reserved;
};
extern struct gate idt[256];                           // boot.S
extern const char trampoline[], trampoline_end[];      // boot.S
extern const char on_timer[], on_pit[], on_spurious[]; // traps.S
extern const char on_halt[];
extern const char fault_stubs[];

#define GATE 0x8e00  // interrupt gate, present
#define USERS 0x6000 // CPL 3 may call it

static void set_gate(unsigned vector, const char* handler, uint16_t flags) {
    const uint64_t at = (uint64_t)handler;
    idt[vector] = (struct gate){.offset_low = (uint16_t)at,
                                .selector = SEL_CODE64,
                                .flags = flags,
                                .offset_middle = (uint16_t)(at >> 16),
                                .offset_high = (uint32_t)(at >> 32)};
}

void init_idt(void) {
    for (unsigned i = 0; i < 32; i++)
        set_gate(i, fault_stubs + 16 * i, GATE);
    for (unsigned i = 0; i < 16; i++)
        set_gate(VECTOR_PIC + i, on_spurious, GATE);
    set_gate(VECTOR_PIC, on_pit, GATE);
    set_gate(VECTOR_TIMER, on_timer, GATE);
    set_gate(VECTOR_SPURIOUS, on_spurious, GATE);
    set_gate(VECTOR_HALT, on_halt, GATE | USERS);
}

// From here on any exception is a triple fault.
void clear_idt(void) {
    for (unsigned i = 0; i < 256; i++)
        ((volatile struct gate*)idt)[i].flags = 0;
}

// Both PICs at VECTOR_PIC, only IRQ 0 let through. Comes before anything starts the PIT: interrupts
// are on, and the vectors that PICs have after a reset are those of exceptions.
void init_pic(void) {
    static const uint8_t setup[][2] = {{0x20, 0x11}, {0x21, VECTOR_PIC}, {0x21, 4}, {0x21, 1},
                                       {0xa0, 0x11}, {0xa1, 0x28},       {0xa1, 2}, {0xa1, 1},
                                       {0x21, 0xfe}, {0xa1, 0xff}};
    for (unsigned i = 0; i < sizeof setup / sizeof setup[0]; i++)
        out8(setup[i][0], setup[i][1]);
}

// Channel 0 at TICKS_HZ.
void init_pit(void) {
    const unsigned divisor = PIT_HZ / TICKS_HZ;
    out8(0x43, 0x34); // channel 0, both bytes, mode 2
    out8(0x40, (uint8_t)divisor);
    out8(0x40, divisor >> 8);
}

static uint16_t pit_count(void) {
    out8(0x43, 0); // latch channel 0
    const uint8_t low = in8(0x40);
    return (uint16_t)(in8(0x40) << 8 | low);
}

// The TSC is read around the PIT, so whatever holds the guest up makes the answer too high, never
// too low: the least of some is right.
uint64_t measure_tsc_khz(void) {
    const uint16_t span = PIT_HZ / 100;
    uint64_t least = ~0ull;
    out8(0x43, 0x34);
    out8(0x40, 0); // from 65536 down
    out8(0x40, 0);
    for (unsigned i = 0; i < 3; i++) {
        const uint64_t begin = read_tsc();
        const uint16_t first = pit_count();
        uint16_t passed;
        do
            passed = (uint16_t)(first - pit_count());
        while (passed < span);
        const uint64_t khz = (read_tsc() - begin) * PIT_HZ / passed / 1000;
        least = khz < least ? khz : least;
    }
    return least;
}

static void lapic_write(uint32_t reg, uint32_t value) {
    *(volatile uint32_t*)(uint64_t)(LAPIC + reg) = value;
}

void init_lapic(uint32_t number) {
    lapic_write(0x80, 0);                              // task priority
    lapic_write(0xf0, 0x100 | VECTOR_SPURIOUS);        // enabled
    lapic_write(0x350, number == 0 ? 0x700 : 0x10000); // LINT0: the PIC on vCPU 0
    lapic_write(0x3e0, 0xb);                           // divide by 1
    lapic_write(0x320, 0x20000 | VECTOR_TIMER);        // periodic
    lapic_write(0x380, APIC_BUS_HZ / (paced() ? PACED_TICKS_HZ : TICKS_HZ));
}

static bool wait_online(uint32_t number, uint64_t ms) {
    const volatile uint64_t* state = &page->slot[number].state;
    const uint64_t until = read_tsc() + ms * page->header.tsc_khz;
    while ((*state & SEGUE_STATE_ONLINE) == 0 && read_tsc() < until)
        pause();
    return (*state & SEGUE_STATE_ONLINE) != 0;
}

void copy_trampoline(void) {
    volatile char* to = (volatile char*)TRAMPOLINE;
    for (const char* from = trampoline; from != trampoline_end;)
        *to++ = *from++;
}

// INIT, then SIPI, and another SIPI where there is no answer: on a busy host it may take its time.
bool start_cpu(uint32_t number) {
    copy_trampoline();
    lapic_write(0x310, number << 24);
    lapic_write(0x300, 0x4500);
    for (unsigned attempt = 0; attempt < 5; attempt++) {
        wait_online(number, 1);
        lapic_write(0x310, number << 24);
        lapic_write(0x300, 0x4600 | TRAMPOLINE >> 12);
        if (wait_online(number, 1000))
            return true;
    }
    return false;
}

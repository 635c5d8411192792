// SPDX-License-Identifier: Apache-2.0
// console.c - a line from time to time and one-letter commands, on a polled 16550 at COM1.
// Each access leaves the guest and may take tens of microseconds, so a service call makes at most
// two of them: a line goes out letter by letter while the counter moves on.
#include "vmm/metronome/guest.h"

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define DATA_READY 0x01
#define TRANSMIT_EMPTY 0x20
#define DEBUG_EXIT 0xf4
#define KEYBOARD 0x64

static char line[256];
static unsigned length, sent;
static uint64_t next_line_tsc, next_input_tsc, next_service_tsc;

static void put(const char* text) {
    while (*text != 0 && length < sizeof line - 2)
        line[length++] = *text++;
}

static void put_number(const char* name, uint64_t value) {
    char digits[21];
    unsigned at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    put(name);
    put(digits + at);
}

static void begin_line(void) {
    length = sent = 0;
}
static void end_line(void) {
    line[length++] = '\r';
    line[length++] = '\n';
}

static void flush(void) {
    while (sent < length)
        if ((in8(LINE_STATUS) & TRANSMIT_EMPTY) != 0)
            out8(COM1, (uint8_t)line[sent++]);
}

void init_console(void) {
    next_service_tsc = 0;
    static const uint8_t setup[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 3}};
    for (unsigned i = 0; i < sizeof setup / sizeof setup[0]; i++)
        out8(COM1 + setup[i][0], setup[i][1]);
}

void say_boot(void) {
    begin_line();
    put_number("metronome: boot=", page->header.boot_count);
    put_number(" vcpus=", page->header.vcpus);
    put_number(" ram_kib=", page->header.ram_bytes >> 10);
    put_number(" share_kib=", page->slot[0].share_bytes >> 10);
    put_number(" tsc_khz=", page->header.tsc_khz);
    end_line();
    flush();
}

void say_wake(void) {
    begin_line();
    put_number("metronome: woke=", page->header.wake_count);
    end_line();
    flush();
}

_Noreturn void die(const char* why) {
    begin_line();
    put("metronome: cannot run: ");
    put(why);
    end_line();
    flush();
    for (;;)
        out8(DEBUG_EXIT, 1);
}

static void say_state(uint64_t tsc) {
    const struct segue_page_slot* slot = page->slot;
    uint64_t count = 0, sweeps = ~0ull, memory = 0, registers = 0, gap = 0;
    for (uint32_t i = 0; i < page->header.vcpus; i++, slot++) {
        count += slot->counter;
        memory += slot->mem_errors;
        registers += slot->reg_errors;
        sweeps = slot->passes < sweeps ? slot->passes : sweeps;
        gap = slot->gap_cycles > gap ? slot->gap_cycles : gap;
    }
    begin_line();
    put_number("metronome: up_ms=", (tsc - page->header.boot_tsc) / page->header.tsc_khz);
    put_number(" boot=", page->header.boot_count);
    put_number(" count=", count);
    put_number(" sweeps=", sweeps);
    put_number(" mem_errors=", memory);
    put_number(" reg_errors=", registers);
    put_number(" gap_us=", gap * 1000 / page->header.tsc_khz);
    end_line();
}

// One byte of the share of vCPU 0, so that its checks are seen to fail.
static void spoil_own_memory(const struct cpu* cpu) {
    *(volatile uint8_t*)share_address(cpu) ^= 1;
}

static void obey(const struct cpu* cpu, char command) {
    if (command == 'q')
        out8(DEBUG_EXIT, 0);
    if (command == 'r')
        out8(KEYBOARD, 0xfe);
    if (command == 't') {
        clear_idt();
        __asm__ volatile("ud2");
    }
    if (command == 's')
        go_to_sleep();
    if (command == 'e')
        spoil_own_memory(cpu);
    if (command == 'g')
        for (uint32_t i = 0; i < page->header.vcpus; i++)
            page->slot[i].gap_cycles = page->slot[i].gap_end_tsc = 0;
}

// Every 0.1 ms while a line is going out, else every 2 ms.
void serve_console(const struct cpu* cpu) {
    const uint64_t tsc = cpu->tsc;
    const uint64_t khz = page->header.tsc_khz;
    if (tsc < next_service_tsc)
        return;
    if (sent < length) {
        if ((in8(LINE_STATUS) & TRANSMIT_EMPTY) != 0)
            out8(COM1, (uint8_t)line[sent++]);
    } else if (options.print_ms != 0 && tsc >= next_line_tsc) {
        next_line_tsc = tsc + options.print_ms * khz;
        say_state(tsc);
    }
    if (tsc >= next_input_tsc) {
        next_input_tsc = tsc + 2 * khz;
        if ((in8(LINE_STATUS) & DATA_READY) != 0)
            obey(cpu, (char)in8(COM1));
    }
    next_service_tsc = sent < length ? tsc + khz / 10 : next_input_tsc;
}

// From loop.S: at each page of a vCPU that has a rate, else of vCPU 0 when the console needs it.
void guest_service(struct cpu* cpu) {
    if (cpu->number == 0)
        serve_console(cpu);
    if (paced())
        keep_pace(cpu);
    else
        cpu->service_tsc = next_service_tsc;
}

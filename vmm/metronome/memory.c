// SPDX-License-Identifier: Apache-2.0
// memory.c - usable RAM (all above the image), its page tables, each vCPU's share and its sweeps.
#include "vmm/metronome/guest.h"

#define PAGE 4096ull
#define LARGE_PAGE 0x200000ull
#define GIB 0x40000000ull
#define MAX_RAM (512 * GIB) // one top level entry
#define MAX_RANGES 16

static struct { uint64_t begin, end; } ranges[MAX_RANGES];
static unsigned range_count;

extern char image_end[];   // metronome.ld
extern uint64_t pdpt[512]; // boot.S

struct cpu cpus[SEGUE_PAGE_MAX_VCPUS];

void add_ram(uint64_t begin, uint64_t size) {
    const uint64_t end = (begin + size < MAX_RAM ? begin + size : MAX_RAM) & ~(PAGE - 1);
    page->header.ram_bytes += size;
    if (begin < (uint64_t)image_end)
        begin = (uint64_t)image_end;
    begin = (begin + PAGE - 1) & ~(PAGE - 1);
    if (begin < end && range_count < MAX_RANGES) {
        ranges[range_count].begin = begin;
        ranges[range_count++].end = end;
    }
}

// A page directory, taken from the first usable RAM (which boot.S maps).
static uint64_t new_table(void) {
    uint64_t* table = (uint64_t*)ranges[0].begin;
    ranges[0].begin += PAGE;
    for (unsigned i = 0; i < 512; i++)
        ((volatile uint64_t*)table)[i] = 0;
    return (uint64_t)table;
}

// Only entries that were not present are written: nothing to flush.
void map_ram(void) {
    for (unsigned r = 0; r < range_count; r++)
        for (uint64_t at = ranges[r].begin & ~(LARGE_PAGE - 1); at < ranges[r].end;
             at += LARGE_PAGE) {
            uint64_t* directory = &pdpt[at / GIB];
            if (*directory == 0)
                *directory = new_table() | 7; // present, writable, user
            uint64_t* entry = (uint64_t*)(*directory & ~0xfffull) + at % GIB / LARGE_PAGE;
            if (*entry == 0)
                *entry = at | 0x87;
        }
}

// splitmix64 of vCPU and sweep.
static uint64_t key_of(uint32_t number, uint64_t sweep) {
    uint64_t z = ((uint64_t)number << 48) + sweep * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// False where there is not a page for each.
bool take_share(struct cpu* cpu) {
    uint64_t usable = 0;
    for (unsigned r = 0; r < range_count; r++)
        usable += ranges[r].end - ranges[r].begin;
    const uint64_t equal = usable / options.vcpus & ~(PAGE - 1);
    const uint64_t cap = options.share & ~(PAGE - 1);
    const uint64_t bytes = cap != 0 && cap < equal ? cap : equal;
    cpu->share_begin = cpu->share_at = cpu->number * equal;
    cpu->share_end = cpu->share_begin + bytes;
    cpu->slot->share_bytes = bytes;
    cpu->key_new = key_of(cpu->number, 1);
    cpu->mask = 0;
    if (bytes != 0)
        next_run(cpu);
    return bytes != 0;
}

static void next_sweep(struct cpu* cpu) {
    const uint64_t done = cpu->slot->passes + 1;
    cpu->share_at = cpu->share_begin;
    cpu->key_old = cpu->key_new;
    cpu->key_new = key_of(cpu->number, done + 1);
    cpu->mask = ~0ull;
    cpu->slot->passes = done;
    cpu->slot->state |= SEGUE_STATE_FILLED;
}

// The address of position `share_at`, and how far it is to the end of its range.
static uint64_t locate(uint64_t position, uint64_t* left) {
    unsigned r = 0;
    while (position >= ranges[r].end - ranges[r].begin) {
        position -= ranges[r].end - ranges[r].begin;
        r++;
    }
    *left = ranges[r].end - ranges[r].begin - position;
    return ranges[r].begin + position;
}

void next_run(struct cpu* cpu) {
    if (cpu->share_at == cpu->share_end)
        next_sweep(cpu);
    uint64_t bytes;
    cpu->at = locate(cpu->share_at, &bytes);
    if (bytes > cpu->share_end - cpu->share_at)
        bytes = cpu->share_end - cpu->share_at;
    cpu->end = cpu->at + bytes;
    cpu->share_at += bytes;
}

uint64_t share_address(const struct cpu* cpu) {
    uint64_t left;
    return locate(cpu->share_begin, &left);
}

void wrong_word_found(struct cpu* cpu, uint64_t address, uint64_t difference) {
    struct segue_page_slot* slot = cpu->slot;
    if (slot->mem_errors == 0) {
        slot->mem_address = address;
        slot->mem_found = *(volatile uint64_t*)address;
        slot->mem_expected = slot->mem_found ^ difference;
    }
    if (slot->mem_errors == 0 || cpu->last_bad_page != address / PAGE)
        slot->mem_bad_pages++;
    cpu->last_bad_page = address / PAGE;
    slot->mem_errors++;
}

static uint64_t word_of(uint64_t address, uint64_t key) {
    const uint64_t m = (address + key) * SEQUENCE_FACTOR;
    return m ^ m >> 32;
}

void check_share(struct cpu* cpu) {
    if ((cpu->slot->state & SEGUE_STATE_FILLED) == 0)
        return;
    uint64_t bytes;
    for (uint64_t share = cpu->share_begin; share < cpu->share_end; share += bytes) {
        const uint64_t begin = locate(share, &bytes);
        if (bytes > cpu->share_end - share)
            bytes = cpu->share_end - share;
        for (uint64_t at = begin; at < begin + bytes; at += 8) {
            const uint64_t found = *(volatile uint64_t*)at;
            if (found != word_of(at, cpu->key_old) && found != word_of(at, cpu->key_new))
                wrong_word_found(cpu, at, found ^ word_of(at, cpu->key_old));
        }
    }
}

void wrong_registers_found(struct cpu* cpu, uint64_t which) {
    cpu->slot->reg_bad |= which;
    cpu->slot->reg_errors++;
}

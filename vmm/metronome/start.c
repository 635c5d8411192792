// SPDX-License-Identifier: Apache-2.0
// start.c - what the loader says: hvm_start_info (Xen's public/arch-x86/hvm/start_info.h).
#include "vmm/metronome/guest.h"

struct start_info {
    uint32_t magic; // 0x336ec578, "xEn3" with the top bit of E set
    uint32_t version;
    uint32_t flags;
    uint32_t modules;
    uint64_t module_list;
    uint64_t command_line; // physical address, 0-terminated; 0: none
    uint64_t rsdp;
    uint64_t memory_map; // version 1 on
    uint32_t memory_map_entries;
    uint32_t reserved;
};

struct memory_map_entry {
    uint64_t address;
    uint64_t size;
    uint32_t type; // as in E820: 1 is RAM
    uint32_t reserved;
};

extern uint64_t start_info; // boot.S

struct options options = {.vcpus = 1, .print_ms = 1000, .rate = NO_RATE};

// The number after `name` where `word` begins with it, else `otherwise`. Takes K, M and G.
static uint64_t value_of(const char* word, const char* name, uint64_t otherwise) {
    while (*name != 0)
        if (*word++ != *name++)
            return otherwise;
    uint64_t value = 0;
    for (; *word >= '0' && *word <= '9'; word++)
        value = value * 10 + (uint64_t)(*word - '0');
    return *word == 'K'   ? value << 10
           : *word == 'M' ? value << 20
           : *word == 'G' ? value << 30
                          : value;
}

static void read_command_line(const char* at) {
    while (*at != 0) {
        options.vcpus = (uint32_t)value_of(at, "vcpus=", options.vcpus);
        options.print_ms = value_of(at, "print=", options.print_ms);
        options.share = value_of(at, "share=", options.share);
        options.rate = value_of(at, "rate=", options.rate);
        options.tsc_khz = value_of(at, "tsc_khz=", options.tsc_khz);
        while (*at != 0 && *at != ' ')
            at++;
        while (*at == ' ')
            at++;
    }
    if (options.vcpus < 1)
        options.vcpus = 1;
    if (options.vcpus > SEGUE_PAGE_MAX_VCPUS)
        options.vcpus = SEGUE_PAGE_MAX_VCPUS;
}

uint64_t root_table(void) {
    return ((const struct start_info*)start_info)->rsdp;
}

void read_start_info(void) {
    const struct start_info* info = (const struct start_info*)start_info;
    if (info->magic != 0x336ec578 || info->version < 1)
        return; // no RAM is known then, and the boot ends with a message
    if (info->command_line != 0)
        read_command_line((const char*)info->command_line);
    const struct memory_map_entry* map = (const struct memory_map_entry*)info->memory_map;
    for (uint32_t i = 0; i < info->memory_map_entries; i++)
        if (map[i].type == 1)
            add_ram(map[i].address, map[i].size);
}

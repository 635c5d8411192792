// SPDX-License-Identifier: Apache-2.0
// suspend.c - ACPI S3: the guest sleeps with its RAM, and vCPU 0 wakes where the other vCPUs start.
// Source: ACPI 6.5, sections 5.2.9 (FADT), 5.2.10 (FACS) and 4.8.3.2.1 (PM1 control).
#include "vmm/metronome/guest.h"

#define SLEEP_TYPE 3 // of this VMM's DSDT, \_S3: no AML is read here
#define SLEEP_ENABLE (1 << 13)

static bool asleep;

static uint32_t number_at(uint64_t address) {
    return *(const volatile uint32_t*)address;
}

// By its signature in the XSDT; 0: there is none.
static uint64_t find_table(uint64_t rsdp, uint32_t signature) {
    const uint64_t xsdt = *(const volatile uint64_t*)(rsdp + 24);
    for (uint64_t at = xsdt + 36; at < xsdt + number_at(xsdt + 4); at += 8) {
        const uint64_t table = *(const volatile uint64_t*)at;
        if (number_at(table) == signature)
            return table;
    }
    return 0;
}

// [vCPU 0] Comes back only where the VMM does not take it. The others are cut off where they are,
// with registers and all: each begins anew with its share when it wakes.
void go_to_sleep(void) {
    const uint64_t rsdp = root_table();
    const uint64_t fadt = rsdp != 0 ? find_table(rsdp, 0x50434146 /*FACP*/) : 0;
    if (fadt == 0)
        return;
    copy_trampoline();
    *(volatile uint32_t*)(uint64_t)(number_at(fadt + 36) + 12) = TRAMPOLINE;
    asleep = true;
    out16((uint16_t)number_at(fadt + 64), SLEEP_TYPE << 10 | SLEEP_ENABLE);
}

bool has_slept(void) {
    const bool has = asleep;
    asleep = false;
    return has;
}

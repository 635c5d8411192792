// SPDX-License-Identifier: Apache-2.0
// waking.hpp - what a PC's firmware does where a guest wakes from S3.
#pragma once

#include "vmm/boot/image.hpp"

namespace segue::vmm {

// The real-mode address that the guest wrote into its FACS before it went to sleep; 0: none. The
// FACS lies where `tables`, the ACPI tables as they were made, have it. Source: ACPI 6.5, section
// 5.2.10; the vector of 64 bits is left aside, as by firmware that does not offer long mode.
std::uint32_t waking_vector(std::span<const std::uint8_t> tables, const GuestRam& ram);

// As after a reset, but that the processor goes on at `vector`, with caches on: 0x12345 is
// 0x1234:0x0005.
BootVcpu waking_vcpu(std::uint32_t vector, const kvm_sregs2& fresh);

} // namespace segue::vmm

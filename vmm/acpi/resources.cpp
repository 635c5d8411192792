// SPDX-License-Identifier: Apache-2.0
#include "vmm/acpi/resources.hpp"

#include "vmm/acpi/aml.hpp"

namespace segue::vmm::acpi {

namespace {

constexpr std::uint8_t kMemory = 0, kBus = 2;
constexpr std::uint8_t kFixedEnds = 0x0c; // first and last address are as they are

// Address space descriptors of 2, 4 and 8 bytes a number (6.4.3.5).
Bytes address_space(std::uint8_t tag, unsigned width, std::uint8_t type, std::uint8_t type_flags,
                    std::uint64_t first, std::uint64_t last) {
    Bytes out = {tag};
    put(out, 3 + 5 * width, 2); // length of what follows
    put(out, type, 1);
    put(out, kFixedEnds, 1);
    put(out, type_flags, 1);
    put(out, 0, width); // granularity
    put(out, first, width);
    put(out, last, width);
    put(out, 0, width); // translation
    return put(out, last - first + 1, width);
}

} // namespace

Bytes io_ports(std::uint16_t first, std::uint8_t count) {
    Bytes out = {0x47, 1 /*16 bits decoded*/};
    put(out, first, 2);
    put(out, first, 2);
    put(out, 1, 1); // alignment
    return put(out, count, 1);
}

Bytes isa_irq(unsigned irq) {
    Bytes out = {0x22};
    return put(out, 1u << irq, 2);
}

Bytes fixed_memory(std::uint32_t first, std::uint32_t bytes) {
    Bytes out = {0x86, 9, 0, 1 /*read and write*/};
    return put(put(out, first, 4), bytes, 4);
}

Bytes bus_numbers(std::uint16_t first, std::uint16_t last) {
    return address_space(0x88, 2, kBus, 0, first, last);
}

Bytes memory_window(std::uint64_t first, std::uint64_t end) {
    constexpr std::uint8_t kReadWrite = 1; // not cacheable
    if (end <= std::uint64_t{1} << 32)
        return address_space(0x87, 4, kMemory, kReadWrite, first, end - 1);
    return address_space(0x8a, 8, kMemory, kReadWrite, first, end - 1);
}

Bytes resources(const std::vector<Bytes>& descriptors) {
    Bytes all;
    for (const Bytes& d : descriptors)
        put(all, d);
    put(all, 0x79, 1);
    put(all, 0, 1); // no checksum
    return buffer(all);
}

} // namespace segue::vmm::acpi

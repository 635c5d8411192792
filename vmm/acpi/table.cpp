// SPDX-License-Identifier: Apache-2.0
#include "vmm/acpi/table.hpp"

#include "vmm/memory/layout.hpp"

namespace segue::vmm::acpi {

namespace {

constexpr std::string_view kOem = "SEGUE ", kOemTable = "SEGUE-1 ", kCreator = "SEGU";
constexpr std::size_t kHeader = 36;
constexpr std::size_t kChecksumAt = 9;

// Multiple APIC Description Table (5.2.12).
constexpr std::uint32_t kLapic = 0xfee00000, kIoapic = 0xfec00000;
constexpr std::uint32_t kPcatCompat = 1; // two 8259s besides
constexpr std::uint16_t kActiveHighLevel = 0xd;
constexpr std::uint8_t kSciPin = 9;

} // namespace

Bytes table(std::string_view signature, std::uint8_t revision, const Bytes& body) {
    Bytes out;
    put(out, signature);
    put(out, kHeader + body.size(), 4);
    put(out, revision, 1);
    put(out, 0, 1); // checksum, below
    put(out, kOem);
    put(out, kOemTable);
    put(out, 1, 4); // OEM revision
    put(out, kCreator);
    put(out, 1, 4); // creator revision
    put(out, body);
    out[kChecksumAt] = checksum(out.data(), out.size());
    return out;
}

Bytes rsdp(std::uint64_t xsdt) {
    constexpr std::size_t first_part = 20; // all that there was in ACPI 1.0
    Bytes out;
    put(out, "RSD PTR ");
    put(out, 0, 1);
    put(out, kOem);
    put(out, 2, 1);       // revision
    put(out, 0, 4);       // no RSDT
    put(out, kHeader, 4); // length, which happens to be a header's
    put(out, xsdt, 8);
    put(out, 0, 4);
    out[8] = checksum(out.data(), first_part);
    out[32] = checksum(out.data(), out.size());
    return out;
}

Bytes xsdt(const std::vector<std::uint64_t>& tables) {
    Bytes body;
    for (const std::uint64_t t : tables)
        put(body, t, 8);
    return table("XSDT", 1, body);
}

Bytes facs() {
    constexpr std::size_t bytes = 64;
    Bytes out;
    put(out, "FACS");
    put(out, bytes, 4);
    out.resize(bytes);
    out[32] = 2; // version
    return out;
}

Bytes madt(unsigned vcpus) {
    Bytes body;
    put(body, kLapic, 4);
    put(body, kPcatCompat, 4);
    for (unsigned id = 0; id < vcpus; ++id) {
        put(body, Bytes{0, 8, static_cast<std::uint8_t>(id), static_cast<std::uint8_t>(id)});
        put(body, 1, 4); // enabled
    }
    put(body, Bytes{1, 12, 0 /*its id*/, 0});
    put(body, kIoapic, 4);
    put(body, 0, 4); // its first GSI
    // ISA interrupts are the GSIs of their number, the PIT's too; only the SCI is not as ISA's are.
    put(body, Bytes{2, 10, 0 /*ISA*/, kSciPin});
    put(body, kSciPin, 4);
    put(body, kActiveHighLevel, 2);
    put(body, Bytes{4, 6, 0xff /*all processors*/, 0, 0, 1 /*LINT1*/}); // NMI
    return table("APIC", 5, body);
}

Bytes mcfg() {
    Bytes body;
    put(body, 0, 8);
    put(body, kEcam, 8);
    put(body, 0, 2);        // segment
    put(body, Bytes{0, 0}); // first and last bus
    put(body, 0, 4);
    return table("MCFG", 1, body);
}

} // namespace segue::vmm::acpi

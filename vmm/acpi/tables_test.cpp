// SPDX-License-Identifier: Apache-2.0
// Reads the tables back as a guest does: from the RSDP on.
#include "vmm/acpi/tables.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "vmm/acpi/aml.hpp"
#include "vmm/acpi/resources.hpp"
#include "vmm/acpi/table.hpp"
#include "vmm/devices/acpi_pm/acpi_pm.hpp"

namespace segue::vmm {
namespace {

using acpi::Bytes;

class AcpiTables : public testing::Test {
protected:
    // Of 64 vCPUs and with all windows: the largest there are.
    Bytes all = acpi_tables({64, true});

    template <class T>
    T at(std::uint64_t guest) const {
        T value = {};
        EXPECT_LE(guest - kAcpiArea + sizeof value, all.size());
        std::memcpy(&value, &all.at(guest - kAcpiArea), sizeof value);
        return value;
    }
    static unsigned sum(const Bytes& b) { return std::accumulate(b.begin(), b.end(), 0u) & 0xff; }
    Bytes bytes(std::uint64_t guest, std::size_t n) const {
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(guest - kAcpiArea);
        return {first, first + static_cast<std::ptrdiff_t>(n)};
    }
    Bytes table_at(std::uint64_t guest) const { return bytes(guest, at<std::uint32_t>(guest + 4)); }
    // The table that XSDT lists under `signature`.
    Bytes find(std::string_view signature) const {
        const Bytes xsdt = table_at(at<std::uint64_t>(kAcpiArea + 24));
        for (std::size_t i = 36; i + 8 <= xsdt.size(); i += 8) {
            std::uint64_t guest = 0;
            std::memcpy(&guest, &xsdt[i], 8);
            const Bytes t = table_at(guest);
            if (std::string_view(reinterpret_cast<const char*>(t.data()), 4) == signature)
                return t;
        }
        ADD_FAILURE() << "no table " << signature;
        return Bytes(512);
    }
    template <class T>
    static T field(const Bytes& table, std::size_t offset) {
        T value = {};
        EXPECT_LE(offset + sizeof value, table.size());
        std::memcpy(&value, &table.at(offset), sizeof value);
        return value;
    }
};

TEST_F(AcpiTables, RsdpIsFirstAndSumsToZeroInBothItsParts) {
    const Bytes rsdp = bytes(kAcpiArea, 36);
    EXPECT_EQ(std::memcmp(rsdp.data(), "RSD PTR ", 8), 0);
    EXPECT_EQ(sum({rsdp.begin(), rsdp.begin() + 20}), 0u);
    EXPECT_EQ(sum(rsdp), 0u);
    EXPECT_EQ(rsdp[15], 2);
    EXPECT_EQ(field<std::uint32_t>(rsdp, 20), 36u);
}

TEST_F(AcpiTables, EveryTableSumsToZero) {
    EXPECT_EQ(sum(table_at(at<std::uint64_t>(kAcpiArea + 24))), 0u);
    for (const char* signature : {"FACP", "APIC", "MCFG"})
        EXPECT_EQ(sum(find(signature)), 0u) << signature;
    EXPECT_EQ(sum(table_at(field<std::uint32_t>(find("FACP"), 40))), 0u);
}

TEST_F(AcpiTables, FadtNamesItsRegistersTwiceAlike) {
    const Bytes fadt = find("FACP");
    ASSERT_EQ(fadt.size(), 276u);
    EXPECT_EQ(field<std::uint16_t>(fadt, 46), AcpiPm::kSci);
    EXPECT_EQ(field<std::uint32_t>(fadt, 48), 0u); // no SMI command: always in ACPI mode
    EXPECT_EQ(field<std::uint32_t>(fadt, 56), 0x600u);
    EXPECT_EQ(field<std::uint64_t>(fadt, 148 + 4), 0x600u);
    EXPECT_EQ(fadt[148 + 1], 32);
    EXPECT_EQ(field<std::uint32_t>(fadt, 64), 0x604u);
    EXPECT_EQ(field<std::uint64_t>(fadt, 172 + 4), 0x604u);
    EXPECT_EQ(fadt[172 + 1], 16);
    EXPECT_EQ(fadt[88], 4);
    EXPECT_EQ(fadt[89], 2);
    EXPECT_EQ(field<std::uint64_t>(fadt, 116 + 4), 0xcf9u); // reset register
    EXPECT_EQ(fadt[128], 6);
    const auto flags = field<std::uint32_t>(fadt, 112);
    EXPECT_EQ(flags & (1u << 10), 1u << 10); // there is one
    EXPECT_EQ(flags & (1u << 4), 0u);        // the power button is in PM1
    EXPECT_EQ(flags & (1u << 5), 1u << 5);   // a sleep button is not
    const auto boot = field<std::uint16_t>(fadt, 109);
    EXPECT_EQ(boot & 2, 0);  // no 8042
    EXPECT_EQ(boot & 4, 4);  // no VGA
    EXPECT_EQ(boot & 32, 0); // an RTC, whose century is at
    EXPECT_EQ(fadt[108], 0x32);
}

TEST_F(AcpiTables, FacsIsAligned) {
    const std::uint32_t facs = field<std::uint32_t>(find("FACP"), 36);
    EXPECT_EQ(facs % 64, 0u);
    EXPECT_EQ(at<std::uint32_t>(facs), 0x53434146u); // "FACS"
    EXPECT_EQ(at<std::uint32_t>(facs + 4), 64u);
}

TEST_F(AcpiTables, MadtListsEveryVcpuTheIoapicAndTheSci) {
    const Bytes madt = find("APIC");
    EXPECT_EQ(field<std::uint32_t>(madt, 36), 0xfee00000u);
    unsigned vcpus = 0, ioapics = 0, overrides = 0, nmis = 0;
    for (std::size_t i = 44; i < madt.size(); i += madt[i + 1]) {
        ASSERT_GE(madt[i + 1], 6);
        switch (madt[i]) {
        case 0:
            EXPECT_EQ(madt[i + 3], vcpus);
            EXPECT_EQ(field<std::uint32_t>(madt, i + 4), 1u);
            ++vcpus;
            break;
        case 1:
            EXPECT_EQ(field<std::uint32_t>(madt, i + 4), 0xfec00000u);
            EXPECT_EQ(field<std::uint32_t>(madt, i + 8), 0u);
            ++ioapics;
            break;
        case 2:
            EXPECT_EQ(madt[i + 3], AcpiPm::kSci);
            EXPECT_EQ(field<std::uint32_t>(madt, i + 4), AcpiPm::kSci);
            EXPECT_EQ(field<std::uint16_t>(madt, i + 8), 0xd); // level, active high
            ++overrides;
            break;
        case 4:
            ++nmis;
            break;
        default:
            ADD_FAILURE() << "entry of type " << int{madt[i]};
        }
    }
    EXPECT_EQ(vcpus, 64u);
    EXPECT_EQ(ioapics, 1u);
    EXPECT_EQ(overrides, 1u);
    EXPECT_EQ(nmis, 1u);
}

TEST_F(AcpiTables, McfgIsTheConfigurationSpaceOfBus0) {
    const Bytes mcfg = find("MCFG");
    ASSERT_EQ(mcfg.size(), 60u);
    EXPECT_EQ(field<std::uint64_t>(mcfg, 44), kEcam);
    EXPECT_EQ(mcfg[54], 0);
    EXPECT_EQ(mcfg[55], 0);
}

bool holds(const Bytes& in, const Bytes& part) {
    return std::search(in.begin(), in.end(), part.begin(), part.end()) != in.end();
}

TEST_F(AcpiTables, DsdtHasSoftOffAndTheDevices) {
    const Bytes dsdt = table_at(field<std::uint32_t>(find("FACP"), 40));
    using namespace acpi;
    EXPECT_TRUE(
        holds(dsdt, name("\\_S5", package({integer(5), integer(0), integer(0), integer(0)}))));
    EXPECT_TRUE(
        holds(dsdt, name("\\_S3", package({integer(3), integer(0), integer(0), integer(0)}))));
    for (const char* id : {"PNP0A08", "PNP0C02", "PNP0B00", "PNP0501"})
        EXPECT_TRUE(holds(dsdt, name("_HID", eisa_id(id)))) << id;
    EXPECT_TRUE(holds(dsdt, memory_window(kPciWindow, kPciWindowEnd)));
    EXPECT_TRUE(holds(dsdt, package({integer(0x1fffff), integer(3), integer(0), integer(23)})))
        << "slot 31";
    EXPECT_TRUE(holds(dsdt, package({integer(0x9ffff), integer(0), integer(0), integer(17)})))
        << "slot 9";
}

TEST_F(AcpiTables, SuspendIsOfferedWhereTheTablesHaveIt) {
    EXPECT_TRUE(acpi::offers_suspend(all));
    const acpi::Bytes letters = {'_', 'S', '3', '_'};
    const auto at = std::search(all.begin(), all.end(), letters.begin(), letters.end());
    ASSERT_NE(at, all.end());
    at[2] = '4';
    EXPECT_FALSE(acpi::offers_suspend(all));
    EXPECT_FALSE(acpi::offers_suspend({}));
}

TEST_F(AcpiTables, TheHighWindowIsThereOnlyWhereTheGuestCanReachIt) {
    const Bytes window = acpi::memory_window(kPciHighWindow, kPciHighWindow + kPciHighWindowBytes);
    EXPECT_TRUE(holds(all, window));
    EXPECT_FALSE(holds(acpi_tables({1, false}), window));
}

TEST_F(AcpiTables, AreWrittenToTheirAreaAndNowhereElse) {
    std::vector<std::byte> storage(2 << 20, std::byte{0xcc});
    const GuestRam ram({{{0, storage.size(), 0, 0}, storage.data()}});
    ASSERT_TRUE(write_acpi_tables(all, ram).ok());
    EXPECT_EQ(std::memcmp(&storage[kAcpiArea], all.data(), all.size()), 0);
    EXPECT_EQ(storage[kAcpiArea - 1], std::byte{0xcc});
    EXPECT_EQ(storage[kAcpiArea + all.size()], std::byte{0xcc});
    EXPECT_EQ(write_acpi_tables(Bytes(0x20001), ram).code(), Code::Invalid);
}

} // namespace
} // namespace segue::vmm

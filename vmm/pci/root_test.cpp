// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/root.hpp"

#include <linux/pci_regs.h>

#include <gtest/gtest.h>

#include <cstring>

#include "vmm/memory/layout.hpp"

namespace segue::vmm::pci {
namespace {

class Register final : public Function {
public:
    void read_config(std::uint16_t offset, std::span<std::byte> data) override {
        last = offset;
        std::fill(data.begin(), data.end(), std::byte{0x11});
    }
    void write_config(std::uint16_t offset, std::span<const std::byte> data) override {
        last = offset;
        written = data.size();
    }
    int last = -1;
    std::size_t written = 0;
};

struct Cf9 final : PortDevice {
    void read(std::uint16_t, std::span<std::byte> data) override { data[0] = std::byte{7}; }
    void write(std::uint16_t, std::span<const std::byte> data) override { got = data[0]; }
    std::byte got{0};
};

class PciRoot : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(root.attach_to(buses, cf9).ok());
        ASSERT_TRUE(root.plug(3, function).ok());
    }
    template <class T>
    T in(std::uint16_t port) {
        T value = 0;
        buses.ports.read(port, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    template <class T>
    void out(std::uint16_t port, T value) {
        buses.ports.write(port, std::as_bytes(std::span(&value, 1)));
    }
    template <class T>
    T ecam(unsigned slot, unsigned function_number, unsigned offset) {
        T value = 0;
        buses.mmio.read(kEcam + (slot << 15 | function_number << 12 | offset),
                        std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    Buses buses;
    Cf9 cf9;
    Root root;
    Register function;
};

TEST_F(PciRoot, AHostBridgeIsInSlot0ByBothWays) {
    EXPECT_EQ(ecam<std::uint32_t>(0, 0, PCI_VENDOR_ID), 0x00081b36u);
    EXPECT_EQ(ecam<std::uint16_t>(0, 0, PCI_CLASS_DEVICE), 0x0600);
    out<std::uint32_t>(0xcf8, 0x80000000);
    EXPECT_EQ(in<std::uint32_t>(0xcfc), 0x00081b36u);
    EXPECT_EQ(in<std::uint16_t>(0xcfe), 0x0008u);
    EXPECT_EQ(in<std::uint32_t>(0xcf8), 0x80000000u);
}

TEST_F(PciRoot, RegistersOfASlotHaveTheirOffsets) {
    EXPECT_EQ(ecam<std::uint32_t>(3, 0, 0xffc), 0x11111111u);
    EXPECT_EQ(function.last, 0xffc);
    out<std::uint32_t>(0xcf8, 0x80000000 | 3 << 11 | 0x40);
    out<std::uint8_t>(0xcff, 1);
    EXPECT_EQ(function.last, 0x43);
    EXPECT_EQ(function.written, 1u);
}

TEST_F(PciRoot, WhereNothingIsReadsAsOnes) {
    EXPECT_EQ(ecam<std::uint32_t>(4, 0, 0), 0xffffffffu);
    EXPECT_EQ(ecam<std::uint32_t>(3, 1, 0), 0xffffffffu); // another function
    EXPECT_EQ(ecam<std::uint64_t>(3, 0, 0), ~0ull);       // no register is that wide
    EXPECT_EQ(ecam<std::uint32_t>(3, 0, 2), 0xffffffffu); // across a word
    out<std::uint32_t>(0xcf8, 0x80010000 | 3 << 11);      // bus 1
    EXPECT_EQ(in<std::uint32_t>(0xcfc), 0xffffffffu);
    out<std::uint32_t>(0xcf8, 3 << 11); // not enabled
    EXPECT_EQ(in<std::uint32_t>(0xcfc), 0xffffffffu);
    EXPECT_EQ(function.last, -1);
}

TEST_F(PciRoot, TheResetPortIsItsOwn) {
    out<std::uint32_t>(0xcf8, 0x80000000);
    out<std::uint8_t>(0xcf9, 6);
    EXPECT_EQ(cf9.got, std::byte{6});
    EXPECT_EQ(in<std::uint8_t>(0xcf9), 7);
    EXPECT_EQ(in<std::uint32_t>(0xcf8), 0x80000000u);
    out<std::uint8_t>(0xcf8, 1); // only words are an address
    EXPECT_EQ(in<std::uint32_t>(0xcf8), 0x80000000u);
}

TEST_F(PciRoot, ASlotHasOneFunction) {
    Register other;
    EXPECT_EQ(root.plug(3, other).code(), Code::Exists);
    EXPECT_EQ(root.plug(0, other).code(), Code::Exists);
    EXPECT_EQ(root.plug(32, other).code(), Code::Invalid);
}

TEST_F(PciRoot, TheAddressTravels) {
    out<std::uint32_t>(0xcf8, 0xffffffff);
    state::Writer writer{state::Header()};
    writer.begin("pci", "root", 1);
    root.save(writer);
    writer.end();
    const auto saved = state::Reader::parse(writer.finish()).value();
    root.reset();
    EXPECT_EQ(in<std::uint32_t>(0xcf8), 0u);
    ASSERT_TRUE(root.load(**saved.take("pci", "root")).ok());
    EXPECT_EQ(in<std::uint32_t>(0xcf8), 0x80fffffcu);
}

} // namespace
} // namespace segue::vmm::pci

// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/test_guest.hpp"

#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

void add_block(inventory::Inventory& to, const std::string& id, UniqueFd fd, std::uint64_t bytes) {
    inventory::RamBlock block;
    block.id = id;
    block.bytes = bytes;
    block.map = Mapping::make(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0, id).value();
    block.fd = std::move(fd);
    EXPECT_TRUE(to.add(std::move(block)).ok());
}

void copy_field(state::Writer& to, const state::Field& f) {
    switch (f.type) {
    case state::Type::Unsigned:
        return to.put(f.key, f.number);
    case state::Type::Signed:
        return to.put_signed(f.key, static_cast<std::int64_t>(f.number));
    case state::Type::Flag:
        return to.put_flag(f.key, f.number != 0);
    case state::Type::Text:
        return to.put_text(f.key, {reinterpret_cast<const char*>(f.bytes.data()), f.bytes.size()});
    case state::Type::Bytes:
        return to.put_bytes(f.key, f.bytes);
    }
}

} // namespace

inventory::Inventory test_inventory(std::uint64_t bytes) {
    inventory::Inventory inventory;
    UniqueFd fd = sys::memfd("guest", 0).value();
    EXPECT_TRUE(sys::truncate(fd.get(), bytes).ok());
    add_block(inventory, "ram0", std::move(fd), bytes);
    return inventory;
}

inventory::Inventory copy_of(const inventory::Inventory& inventory) {
    inventory::Inventory copy;
    for (const auto& item : inventory.items())
        EXPECT_TRUE(copy.add({item.name, sys::dup(item.fd.get()).value()}).ok());
    for (const auto& block : inventory.blocks())
        add_block(copy, block.id, sys::dup(block.fd.get()).value(), block.bytes);
    return copy;
}

MachineConfig test_config(unsigned vcpus, ConsoleKind console) {
    MachineConfig config;
    config.vcpus = vcpus;
    config.boot.kernel = METRONOME_ELF;
    config.boot.command_line = "vcpus=" + std::to_string(vcpus) + " print=20 share=1M";
    config.console.kind = console;
    return config;
}

void copy_section(state::Writer& to, const state::Section& section) {
    to.begin(section.name(), section.instance(), section.revision());
    for (const state::Field& f : section.fields())
        copy_field(to, f);
    to.end();
}

std::unique_ptr<TestGuest> TestGuest::boot(unsigned vcpus, std::uint64_t bytes) {
    auto guest = std::make_unique<TestGuest>(test_inventory(bytes));
    const Status made = guest->machine.create(test_config(vcpus), guest->inventory);
    EXPECT_TRUE(made.ok()) << made.error().what();
    return made ? std::move(guest) : nullptr;
}

void TestGuest::type(char command) const {
    const auto tty = sys::open(machine.config().console.path, O_RDWR | O_NOCTTY).value();
    EXPECT_TRUE(sys::write_all(tty.get(), std::as_bytes(std::span(&command, 1))).ok());
}

std::vector<std::uint64_t> TestGuest::counters() const {
    std::vector<std::uint64_t> all;
    for (unsigned i = 0; i < machine.config().vcpus; ++i)
        all.push_back(std::uint64_t{page().slot[i].counter});
    return all;
}

bool TestGuest::counts(bool sweeps) const {
    const auto before = counters();
    std::vector<std::uint64_t> passes;
    for (unsigned i = 0; i < before.size(); ++i)
        passes.push_back(std::uint64_t{page().slot[i].passes});
    return eventually([&] {
        for (unsigned i = 0; i < before.size(); ++i)
            if (page().slot[i].counter <= before[i] ||
                (sweeps && page().slot[i].passes < passes[i] + 3))
                return false;
        return true;
    });
}

std::string TestGuest::complaint() const {
    for (unsigned i = 0; i < machine.config().vcpus; ++i) {
        const auto& s = page().slot[i];
        const std::string who = "vCPU " + std::to_string(i) + ": ";
        if (s.mem_errors != 0)
            return who + std::to_string(s.mem_errors) + " wrong words, first at " +
                   std::to_string(s.mem_address);
        if (s.reg_errors != 0)
            return who + "wrong registers " + std::to_string(s.reg_bad);
        if (s.tsc_backward != 0)
            return who + "the TSC went backward";
        if ((s.state & SEGUE_STATE_FAULT) != 0)
            return who + "exception " + std::to_string(s.fault_vector);
    }
    return page().header.boot_count == 1 ? "" : "it booted again";
}

} // namespace segue::vmm

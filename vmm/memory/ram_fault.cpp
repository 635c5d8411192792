// SPDX-License-Identifier: Apache-2.0
// Source: sigaction(2), "The si_code field"; signal-safety(7).
#include "vmm/memory/ram_fault.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>

namespace segue::vmm {

namespace {

// For the handler, which may only read.
std::array<std::atomic<const NamedRam::Block*>, 64> known;
std::array<char, 48> prefix; // "segue-vmm[4711] error: "

const NamedRam::Block* block_at(const void* address) {
    for (const auto& slot : known) {
        const NamedRam::Block* b = slot.load(std::memory_order_acquire);
        if (b != nullptr && address >= b->begin && address < b->end)
            return b;
    }
    return nullptr;
}

void say(const char* text) {
    (void)!::write(STDERR_FILENO, text, std::strlen(text));
}

// SA_RESETHAND: what is raised here is delivered on return, with the default action.
void on_bus_error(int number, siginfo_t* info, void*) {
    const NamedRam::Block* block = info->si_code > 0 ? block_at(info->si_addr) : nullptr;
    say(prefix.data());
    say(block != nullptr ? block->name.c_str() : "memory that is no RAM of the guest");
    say(info->si_code == BUS_MCEERR_AR || info->si_code == BUS_MCEERR_AO
            ? ": the host's memory under it is broken"
            : ": its file is shorter than its mapping, or full");
    say("; this VMM and its guest end here (SIGBUS)\n");
    (void)::raise(number);
}

std::string name_of(const inventory::RamBlock& b) {
    std::error_code ignored;
    const std::filesystem::path file =
        std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(b.fd.get()), ignored);
    return "RAM block '" + b.id + "' (memory/" + b.backend +
           (file.empty() ? "" : ", " + file.string()) + ")";
}

} // namespace

Status tell_ram_faults() {
    std::snprintf(prefix.data(), prefix.size(), "segue-vmm[%d] error: ", ::getpid());
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_RESETHAND;
    if (::sigaction(SIGBUS, &action, nullptr) != 0)
        return Error::from_errno(errno, "sigaction of SIGBUS");
    return {};
}

NamedRam::NamedRam(const inventory::Inventory& inventory) {
    for (const inventory::RamBlock& b : inventory.blocks()) {
        auto block = std::make_unique<const Block>(Block{b.base(), b.base() + b.bytes, name_of(b)});
        for (auto& slot : known) {
            const Block* none = nullptr;
            if (slot.compare_exchange_strong(none, block.get(), std::memory_order_release))
                break;
        }
        blocks_.push_back(std::move(block));
    }
}

void NamedRam::forget() {
    for (const auto& block : blocks_)
        for (auto& slot : known) {
            const Block* mine = block.get();
            slot.compare_exchange_strong(mine, nullptr);
        }
    blocks_.clear();
}

std::string truncated_ram(const inventory::Inventory& inventory) {
    std::string all;
    for (const inventory::RamBlock& b : inventory.blocks()) {
        struct stat s = {};
        if (!b.fd || ::fstat(b.fd.get(), &s) != 0 || !S_ISREG(s.st_mode))
            continue;
        const auto bytes = static_cast<std::uint64_t>(s.st_size);
        if (bytes < b.offset + b.bytes)
            all += (all.empty() ? "" : "; ") + name_of(b) + " has only " + std::to_string(bytes) +
                   " of its " + std::to_string(b.offset + b.bytes) +
                   " bytes: its file was truncated";
    }
    return all;
}

} // namespace segue::vmm

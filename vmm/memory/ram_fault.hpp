// SPDX-License-Identifier: Apache-2.0
// ram_fault.hpp - guest RAM that is gone under its mapping, by name: its file was truncated, or the
// host's memory broke.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::vmm {

// From here on a SIGBUS writes one line to standard error, which names the RAM block and its file,
// and then ends the process as it would have. Replaces the handler that there is. [main, before any
// other thread]
Status tell_ram_faults();

// The blocks that the line may name, for as long as this lives: the first 64 of a process. [any]
class NamedRam {
public:
    NamedRam() = default;
    explicit NamedRam(const inventory::Inventory& inventory);
    ~NamedRam() { forget(); }
    NamedRam(NamedRam&& other) noexcept = default;
    NamedRam& operator=(NamedRam&& other) noexcept {
        forget();
        blocks_ = std::move(other.blocks_);
        return *this;
    }

    struct Block {
        const std::byte *begin, *end;
        std::string name; // "RAM block 'ram0' (memory/file, /srv/ram0)"
    };

private:
    void forget();
    std::vector<std::unique_ptr<const Block>> blocks_;
};

// Of each block whose file is shorter than it should be, a sentence; "" where none is. KVM and
// system calls get no SIGBUS: a vCPU that touches such a page crashes, read(2) says EFAULT. [any]
std::string truncated_ram(const inventory::Inventory& inventory);

} // namespace segue::vmm

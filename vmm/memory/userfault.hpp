// SPDX-License-Identifier: Apache-2.0
// userfault.hpp - guest RAM by userfaultfd(2): KVM, devices and their system calls wait for pages
// that have not come, and a descriptor tells which.
#pragma once

#include <vector>

#include <segue/cpp/unique_fd.hpp>

#include "core/inventory/inventory.hpp"
#include "core/ports/userfault.hpp"

namespace segue::vmm {

// Of memory that is shared (tmpfs, hugetlbfs) or anonymous. Transparent huge pages are off from
// begin() to disarm(): of a huge page that is there, some could not be made missing.
class Userfault final : public ports::Userfault {
public:
    // The inventory outlives it.
    explicit Userfault(const inventory::Inventory& inventory)
        : inventory_(inventory) {}
    ~Userfault() override { disarm(); }

    Status check() override;
    Status begin(const std::vector<std::uint32_t>& blocks) override;
    Status discard(std::uint32_t block, std::uint64_t first, std::uint64_t n) override;
    Status arm() override;
    int fd() const override { return both_.get(); }
    Result<std::size_t> read(std::span<ports::Fault> faults) override;
    Status place(std::uint32_t block, std::uint64_t first, std::uint64_t n,
                 std::span<const std::byte> bytes, std::uint64_t& placed) override;
    Status place_zeros(std::uint32_t block, std::uint64_t first, std::uint64_t n) override;
    void wake(std::uint32_t block, std::uint64_t first, std::uint64_t n) noexcept override;
    void disarm() noexcept override;
    // Nobody reads any more: its descriptors are given up.
    void close() noexcept;

private:
    struct Range;
    Range range(std::uint32_t block, std::uint64_t first, std::uint64_t n) const;
    Status try_block(std::uint32_t block) const;
    Status register_block(std::uint32_t block) const;
    void unregister_block(std::uint32_t block) const noexcept;
    Status take_away(std::uint32_t block, std::uint64_t page);
    Status reserve(std::uint32_t block) const;
    Status huge_pages_off();
    const inventory::RamBlock* block_of(std::uint64_t address, std::uint32_t& index) const;

    const inventory::Inventory& inventory_;
    std::vector<std::uint32_t> blocks_;
    std::vector<std::uint32_t> huge_; // of them, those that had transparent huge pages
    UniqueFd faults_, over_, both_;   // userfaultfd; an eventfd; an epoll of the two
    std::vector<std::byte> zeros_;    // of one page, where the kernel has no zero page of that size
};

} // namespace segue::vmm

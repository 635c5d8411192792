// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/pagemap.hpp"

#include <span>

#include <segue/cpp/sys.hpp>

#include "vmm/memory/page_bits.hpp"

namespace segue::vmm {

Result<Pagemap> Pagemap::open() {
    Pagemap map;
    SEGUE_ASSIGN(map.file_, sys::open("/proc/self/pagemap", O_RDONLY));
    return map;
}

Status Pagemap::look(const std::byte* base, std::size_t pages) {
    entries_.resize(pages);
    const std::uint64_t at = reinterpret_cast<std::uintptr_t>(base) / kPageBytes;
    return sys::pread_all(file_.get(), std::as_writable_bytes(std::span(entries_)),
                          at * sizeof(std::uint64_t));
}

} // namespace segue::vmm

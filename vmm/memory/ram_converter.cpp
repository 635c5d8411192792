// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/ram_converter.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include <segue/cpp/sys.hpp>

#include "core/base/deadline.hpp"
#include "core/base/log.hpp"
#include "core/base/units.hpp"
#include "vmm/memory/page_bits.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint64_t kHuge = 2u << 20; // a private huge page that was cut stays whole in memory
constexpr std::uint64_t kLook = 32;       // times what may be copied: of RAM with many holes
constexpr std::uint64_t kZeros = 4; // of them are looked at and given up in the time of a copy
constexpr std::chrono::seconds kPutBack{1};
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr const char* kCopyInstead = "use a mode that copies RAM to another process";

std::string named(const inventory::RamBlock& block) {
    return "RAM block '" + block.id + "' (memory/" + block.backend + ")";
}

Error refused(const inventory::RamBlock& block, const std::string& why) {
    return Error(Code::Refused, named(block) + " cannot become shared memory: " + why)
        .with("block", block.id);
}

bool is_zero(const std::byte* page) {
    return *page == std::byte{0} && std::memcmp(page, page + 1, kPageBytes - 1) == 0;
}

// The next end of a huge page from `at` on.
std::uint64_t end_of_huge_page(const std::byte* base, std::uint64_t at) {
    const std::uint64_t address = reinterpret_cast<std::uintptr_t>(base) + at;
    return at + (kHuge - address % kHuge) % kHuge;
}

std::uint64_t bytes_of(const std::vector<RamConverter::Run>& runs) {
    std::uint64_t bytes = 0;
    for (const RamConverter::Run& r : runs)
        bytes += r.bytes;
    return bytes;
}

Error no_room(const inventory::RamBlock& block, int why) {
    return Error::from_errno(why, "take memory for a piece of " + named(block))
        .way_out("the host, or the cgroup that the VMM is in, needs room for that much more")
        .with("block", block.id);
}

Status check_block(const inventory::RamBlock& block) {
    const auto flags = static_cast<int>(block.map_flags);
    if (block.page_shift != 12 || (flags & MAP_ANONYMOUS) == 0)
        return refused(block, block.page_shift != 12
                                  ? "it is of huge pages"
                                  : "it is a private mapping of something that has a descriptor")
            .way_out(kCopyInstead);
    return {};
}

// It takes time to look at all areas: done where anything is locked or pinned at all.
Status check_held(const std::vector<const inventory::RamBlock*>& blocks) {
    SEGUE_ASSIGN(const HeldBytes held, held_bytes());
    if (held.locked == 0 && held.pinned == 0)
        return {};
    SEGUE_ASSIGN(const std::vector<VmArea> areas, vm_areas());
    for (const inventory::RamBlock* block : blocks)
        for (const VmArea& area : areas)
            if (area.overlaps(block->base(), block->bytes) && area.has("lo"))
                return refused(*block, "it is locked in memory")
                    .way_out(std::string(kCopyInstead) +
                             ", or start the guest with memory.lock = false");
    if (const std::uint64_t pinned = pinned_bytes(held, areas); pinned != 0)
        return refused(*blocks.front(), format_size(pinned) + " of this process are pinned, and "
                                                              "what pinned them would go on using "
                                                              "the pages that RAM leaves")
            .way_out("take assigned devices away from the guest first");
    return {};
}

} // namespace

Status RamConverter::check() {
    std::vector<const inventory::RamBlock*> blocks;
    for (const inventory::RamBlock& block : inventory_.blocks())
        if (!block.fd)
            blocks.push_back(&block);
    if (blocks.empty())
        return {};
    SEGUE_TRY(allowed_());
    SEGUE_TRY(Pagemap::open());
    for (const inventory::RamBlock* block : blocks)
        SEGUE_TRY(check_block(*block));
    return check_held(blocks);
}

Status RamConverter::begin(Moving& moving, const std::vector<VmArea>& areas) {
    const inventory::RamBlock& block = *moving.block;
    SEGUE_ASSIGN(UniqueFd file, sys::memfd("segue:" + block.id, MFD_ALLOW_SEALING));
    SEGUE_TRY(sys::truncate(file.get(), block.bytes));
    SEGUE_TRY(sys::seal(file.get(), kSeals));
    for (const VmArea& area : areas)
        if (area.overlaps(block.base(), 1))
            moving.advice = advice_of(area);
    moving.file = std::move(file);
    return {};
}

Result<std::vector<int>> RamConverter::start() {
    SEGUE_TRY(check());
    const auto& blocks = inventory_.blocks();
    SEGUE_ASSIGN(pages_, Pagemap::open());
    if (moving_.empty()) {
        moving_.reserve(blocks.size()); // a piece points into it
        for (const inventory::RamBlock& block : blocks)
            moving_.push_back({&block, {}, block.fd ? block.bytes : 0, {}});
    }
    std::vector<VmArea> areas;
    std::vector<int> fds;
    fds.reserve(blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!blocks[i].fd && !moving_[i].file) {
            if (areas.empty()) {
                SEGUE_ASSIGN(areas, vm_areas());
            }
            SEGUE_TRY(begin(moving_[i], areas));
        }
        fds.push_back(moving_[i].file.get());
    }
    return fds;
}

void RamConverter::stop() noexcept {
    if (piece_)
        give_back(*piece_);
    piece_.reset();
    pages_.reset();
    for (Moving& m : moving_)
        if (m.moved == 0)
            m.file.reset();
}

// Of [from, to), as it is now.
Status RamConverter::add_to(Found& found, const Moving& m, std::uint64_t from, std::uint64_t to) {
    std::vector<Run>& runs = found.runs;
    const bool zeros_too = preallocated_.count(m.block->id) != 0;
    const std::byte* base = m.block->base() + from;
    SEGUE_TRY(pages_->look(base, (to - from) / kPageBytes));
    for (std::uint64_t at = from; at < to; at += kPageBytes, base += kPageBytes) {
        if (!pages_->exists((at - from) / kPageBytes))
            continue;
        if (!zeros_too && is_zero(base))
            found.zeros += kPageBytes;
        else if (!runs.empty() && runs.back().at + runs.back().bytes == at)
            runs.back().bytes += kPageBytes;
        else
            runs.push_back({at, kPageBytes});
    }
    return {};
}

Result<RamConverter::Found> RamConverter::look(Piece& piece, std::uint64_t copy) {
    const Moving& m = *piece.moving;
    const std::uint64_t end = m.moved + piece.bytes;
    Found found;
    std::uint64_t at = m.moved;
    do { // however little is to be copied, something moves
        const std::uint64_t to = std::min(end, end_of_huge_page(m.block->base(), at + 1));
        SEGUE_TRY(add_to(found, m, at, to));
        at = to;
    } while (at < end && bytes_of(found.runs) + found.zeros / kZeros < copy);
    piece.bytes = at - m.moved;
    return found;
}

void RamConverter::give_back(const Piece& piece) noexcept {
    (void)!::fallocate(piece.moving->file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                       static_cast<off_t>(piece.moving->moved), static_cast<off_t>(piece.bytes));
}

// Beforehand: nobody is to stand still for it.
Status RamConverter::take_memory(const Piece& piece, const std::vector<Run>& runs) {
    const Moving& m = *piece.moving;
    for (const Run& r : runs)
        if (sys::retry([&] {
                return ::fallocate(m.file.get(), 0, static_cast<off_t>(r.at),
                                   static_cast<off_t>(r.bytes));
            }) != 0)
            return no_room(*m.block, errno);
    return {};
}

Result<bool> RamConverter::make_ready(std::uint64_t copy) {
    for (Moving& m : moving_) {
        if (m.moved == m.block->bytes)
            continue;
        // Whole pages, whatever `copy` is.
        const std::uint64_t left = m.block->bytes - m.moved;
        const std::uint64_t huge = std::max(std::min(copy, left) / kHuge, std::uint64_t{1});
        Piece piece{&m, std::min(left, huge * kHuge * kLook)};
        SEGUE_ASSIGN(const Found found, look(piece, copy));
        piece_ = piece; // from here on stop() gives its memory back
        SEGUE_TRY(take_memory(piece, found.runs));
        return true;
    }
    return false;
}

// By pwrite(2), which says so where there is no memory for a page that came meanwhile; a store
// would be a SIGBUS.
Result<std::uint64_t> RamConverter::fill(Piece piece) {
    const Moving& m = *piece.moving;
    SEGUE_ASSIGN(const Found found, look(piece, ~std::uint64_t{0}));
    for (const Run& r : found.runs)
        if (Status s = sys::pwrite_all(m.file.get(), {m.block->base() + r.at, r.bytes}, r.at); !s)
            return std::move(s).error().while_doing("copy " + named(*m.block));
    return bytes_of(found.runs);
}

// All bytes are in the file already: where the kernel fails halfway, and the old mapping is gone,
// nothing is lost if only a later attempt succeeds.
Status RamConverter::put(const Piece& piece) {
    const Moving& m = *piece.moving;
    std::byte* const at = m.block->base() + m.moved;
    const auto map = [&](int how) {
        return ::mmap(at, piece.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | how, m.file.get(),
                      static_cast<off_t>(m.moved)) != MAP_FAILED;
    };
    if (!map(MAP_FIXED)) {
        const int why = errno;
        const bool gone = ::msync(at, piece.bytes, MS_ASYNC) != 0;
        if (!gone) {
            give_back(piece);
            return Error::from_errno(why, "map " + named(*m.block))
                .way_out("vm.max_map_count may be too small for this process")
                .with("block", m.block->id);
        }
        for (const Deadline limit = Deadline::in(kPutBack); !map(MAP_FIXED_NOREPLACE);) {
            if (limit.passed())
                return Error::from_errno(errno, named(*m.block) + " has lost its mapping")
                    .way_out("the guest cannot run any more: start it anew")
                    .with("block", m.block->id);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    for (const int advice : m.advice)
        if (const Status s = sys::madvise(at, piece.bytes, advice); !s)
            log::warn(named(*m.block) + ": " + s.error().what());
    return {};
}

Result<ports::Converted> RamConverter::convert() {
    const Piece piece = *std::exchange(piece_, std::nullopt);
    std::uint64_t copied = 0;
    if (auto filled = fill(piece)) {
        copied = *filled;
    } else {
        give_back(piece);
        return std::move(filled).error();
    }
    SEGUE_TRY(put(piece));
    piece.moving->moved += piece.bytes;
    ports::Converted done{piece.bytes, copied, 0};
    for (const Moving& m : moving_)
        done.left += m.block->bytes - m.moved;
    return done;
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
// The services that are about guest RAM.
#include <algorithm>
#include <cstring>

#include <segue/cpp/dirty.hpp>

#include "core/update/filling.hpp"
#include "core/update/pages.hpp"
#include "core/update/service_call.hpp"
#include "core/update/services.hpp"

namespace segue::update {

namespace {

using report::Phase;

// While threads of the mode may serve RAM that is touched before it has come.
constexpr std::initializer_list<Phase> kServing = {Phase::Handover, Phase::Commit, Phase::Fetch};

segue_status blocks(void* h, segue_block* out, std::uint32_t cap, std::uint32_t* n,
                    segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        const auto& all = s.inventory.blocks();
        *n = static_cast<std::uint32_t>(all.size());
        for (std::uint32_t i = 0; i < cap && i < all.size(); ++i)
            out[i] = as_abi(all[i]);
        return {};
    });
}

segue_status map(void* h, std::uint32_t block, void** base, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        if (block >= s.inventory.blocks().size() || !s.inventory.blocks()[block].map)
            return Error(Code::NotFound,
                         "RAM block " + std::to_string(block) + " is not mapped here");
        *base = s.inventory.blocks()[block].base();
        return {};
    });
}

// The log, in the phases in which an outgoing update may have it.
Result<ports::DirtyLog*> dirty_log(const Session& s, const char* name) {
    SEGUE_TRY(allowed(s, name, {Phase::Copy, Phase::Handover}));
    if (s.dirty_log == nullptr)
        return Error(Code::Unsupported, std::string(name) + ": there is no dirty log here")
            .way_out("a mode says in its plan that it needs one, and asks on the outgoing side");
    return s.dirty_log;
}

segue_status look(void* h, std::uint64_t* pages, segue_error* e) {
    *pages = 0;
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_ASSIGN(ports::DirtyLog * log, dirty_log(s, "look"));
        SEGUE_ASSIGN(*pages, log->look());
        if (s.looked)
            s.looked(*pages * kPage);
        return {};
    });
}

segue_status take(void* h, std::uint32_t block, std::uint64_t first, std::uint64_t n,
                  std::uint64_t* bits, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_ASSIGN(ports::DirtyLog * log, dirty_log(s, "take"));
        const auto& all = s.inventory.blocks();
        if (block >= all.size() || first % 64 != 0 || n % 64 != 0 || n > SEGUE_DIRTY_MAX ||
            first > all[block].bytes / kPage)
            return Error(Code::Invalid, "take: pages that no block has, or too many at once");
        return log->take(block, first, {bits, n / 64});
    });
}

segue_status convert(void* h, std::uint64_t copy, segue_converted* done, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_TRY(allowed(s, "convert", {Phase::Copy}));
        if (!s.convert)
            return Error(Code::Unsupported, "convert: no RAM is converted here")
                .way_out("a mode says in its plan that it needs that, and asks on the outgoing "
                         "side");
        SEGUE_TRY(s.wait().check());
        SEGUE_ASSIGN(segue_converted got, s.convert(copy));
        got.size = done->size;
        std::memcpy(done, &got, std::min<std::size_t>(done->size, sizeof got));
        return {};
    });
}

// What fills RAM after the commit, in the phases in which an incoming update may have it.
Result<Filling*> filling(const Session& s, const char* name, std::initializer_list<Phase> phases) {
    SEGUE_TRY(allowed(s, name, phases));
    if (s.filling == nullptr)
        return Error(Code::Unsupported, std::string(name) + ": all RAM is here")
            .way_out("a mode says in its plan that it needs userfault, and asks on the incoming "
                     "side");
    return s.filling;
}

segue_status discard(void* h, std::uint32_t block, std::uint64_t first, std::uint64_t n,
                     const std::uint64_t* bits, segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_ASSIGN(Filling * fill, filling(s, "discard", {Phase::Handover}));
        const auto& all = s.inventory.blocks();
        if (block >= all.size() || first % 64 != 0 || n % 64 != 0 ||
            first > all[block].bytes / kPage || (s.ram_of_block.at(block) & SEGUE_RAM_AFTER) == 0)
            return Error(Code::Invalid, "discard: pages that no block has, or that come earlier");
        const std::uint64_t end = all[block].bytes / kPage;
        return for_runs({bits, n / 64}, first, [&](std::uint64_t at, std::uint64_t run) {
            return at >= end ? Status() : fill->discard(block, at, std::min(run, end - at));
        });
    });
}

segue_status arm(void* h, segue_error* e) {
    return call(h, e, [](Session& s) -> Status {
        SEGUE_ASSIGN(Filling * fill, filling(s, "arm", {Phase::Handover}));
        return fill->arm();
    });
}

segue_status faults(void* h, segue_fault* room, std::uint32_t cap, std::uint32_t* n,
                    segue_error* e) {
    *n = 0;
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_ASSIGN(Filling * fill, filling(s, "faults", kServing));
        SEGUE_ASSIGN(*n, fill->faults({room, cap}, s.wait()));
        return {};
    });
}

segue_status missing(void* h, std::uint64_t* pages, segue_error* e) {
    *pages = 0;
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_ASSIGN(const Filling* fill, filling(s, "missing", kServing));
        *pages = fill->missing();
        return {};
    });
}

segue_status disarm(void* h, segue_error* e) {
    return call(h, e, [](Session& s) -> Status {
        SEGUE_ASSIGN(Filling * fill, filling(s, "disarm", kServing));
        if (!fill->give_up())
            return Error(Code::Refused, "disarm: the guest runs, and pages of it have not come");
        return {};
    });
}

segue_status drop(void* h, std::uint32_t block, std::uint64_t first, std::uint64_t n,
                  segue_error* e) {
    return call(h, e, [&](Session& s) -> Status {
        SEGUE_TRY(allowed(s, "drop", {Phase::Fetch}));
        if (s.side() != Side::Outgoing)
            return Error(Code::Invalid, "drop: of the outgoing side's RAM only");
        return drop_pages(s, {block, 0, first, n});
    });
}

} // namespace

segue_host_ram ram_service(Session& s) {
    return {&s, blocks, map};
}

segue_host_dirty dirty_service(Session& s) {
    return {&s, look, take};
}

segue_host_ram_convert ram_convert_service(Session& s) {
    return {&s, convert};
}

segue_host_userfault userfault_service(Session& s) {
    return {&s, discard, arm, faults, missing, disarm, drop};
}

} // namespace segue::update

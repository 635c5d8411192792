// SPDX-License-Identifier: Apache-2.0
// mode.hpp - a mode plugin in C++: derive from Mode, then SEGUE_EXPORT_MODE(YourMode, info,
// traits). <segue/abi/mode.h> has the order of the hooks; <segue/cpp/update.hpp> what they call.
#pragma once

#include <memory>
#include <span>

#include <segue/abi/mode.h>
#include <segue/cpp/plugin.hpp>
#include <segue/cpp/update.hpp>

namespace segue {

enum class Side : std::uint32_t { Outgoing = SEGUE_SIDE_OUTGOING, Incoming = SEGUE_SIDE_INCOMING };

// What the mode could do, over all its plans.
struct ModeTraits {
    std::uint32_t successors, arbiters, ram; // SEGUE_SUCCESSOR_*, _ARBITER_*, _RAM_*
};

// What one update will do; `channels` live as long as the instance.
struct Plan {
    std::uint32_t successor = 0, arbiters = 0, ram = 0, needs = 0;
    std::span<const segue_channel_need> channels = {};
};

// A derived class has
// `static Result<std::unique_ptr<T>> create(const Config&, const Host&, Side)`. [update]
class Mode {
public:
    virtual ~Mode() = default;
    Mode(const Mode&) = delete;
    Mode& operator=(const Mode&) = delete;

    // ram_of_block[i] becomes one SEGUE_RAM_* set for blocks[i].
    virtual Result<Plan> plan(std::span<const segue_block> blocks,
                              std::span<std::uint32_t> ram_of_block) = 0;
    virtual Status check() { return {}; }
    virtual Status prepare() { return {}; }
    virtual Status copy() { return {}; }
    virtual Status handover() { return {}; }
    virtual Status fetch() { return {}; }
    virtual Status reclaim() { return {}; }
    virtual void end(std::uint32_t /*outcome*/) {} // SEGUE_OUTCOME_*

protected:
    Mode() = default;
};

namespace detail {

struct ModeTable {
    static Mode& self(void* p) { return *static_cast<Mode*>(p); }

    template <class T>
    static segue_status create(const segue_config* c, const segue_host* h, std::uint32_t side,
                               void** out, segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(std::unique_ptr<Mode> m,
                         T::create(Config(c, h), Host(h), static_cast<Side>(side)));
            *out = m.release();
            return {};
        });
    }
    static void destroy(void* p) noexcept {
        guarded_void([&] { delete &self(p); });
    }
    static segue_status plan(void* p, const segue_block* blocks, std::uint32_t n,
                             std::uint32_t* ram_of_block, segue_plan* out,
                             segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(const Plan made, self(p).plan({blocks, n}, {ram_of_block, n}));
            out->successor = made.successor;
            out->arbiters = made.arbiters;
            out->ram = made.ram;
            out->needs = made.needs;
            out->n_channels = static_cast<std::uint32_t>(made.channels.size());
            out->channels = made.channels.data();
            return {};
        });
    }
    // One trampoline a hook.
    template <Status (Mode::*Hook)()>
    static segue_status hook(void* p, segue_error* e) noexcept {
        return guarded(e, [&] { return (self(p).*Hook)(); });
    }
    static void end(void* p, std::uint32_t outcome) noexcept {
        guarded_void([&] { self(p).end(outcome); });
    }

    template <class T>
    static constexpr segue_mode make(const Info& i, const ModeTraits& t) {
        return {t.successors,
                t.arbiters,
                t.ram,
                i.wire_rev,
                i.wire_rev_min,
                0,
                0,
                create<T>,
                destroy,
                plan,
                hook<&Mode::check>,
                hook<&Mode::prepare>,
                hook<&Mode::copy>,
                hook<&Mode::handover>,
                hook<&Mode::fetch>,
                hook<&Mode::reclaim>,
                end};
    }
};

} // namespace detail
} // namespace segue

#define SEGUE_EXPORT_MODE(Class, info, traits)                                                     \
    SEGUE_EXPORT(SEGUE_MODE_ID, segue::detail::ModeTable::make<Class>(info, traits), info,         \
                 segue::mode_cap_bits((traits).successors, (traits).arbiters, (traits).ram),       \
                 segue::mode_caps)

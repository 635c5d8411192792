// SPDX-License-Identifier: Apache-2.0
// plugin.hpp - what the plugin headers of all kinds share: a plugin's description, its options, the
// exported object, and the catch-all around every function.
//
// segue_add_plugin() defines SEGUE_PLUGIN_ID and SEGUE_PLUGIN_VERSION.
#pragma once

#include <cstdio>
#include <cstring>
#include <exception>
#include <span>

#include <segue/abi/entry.h>
#include <segue/cpp/caps.hpp>
#include <segue/cpp/host.hpp>

namespace segue {

inline constexpr const char* no_needs[] = {nullptr};

// What a plugin says about itself, in a constexpr object.
struct Info {
    const char* summary;
    const char* licence = "Apache-2.0";
    std::uint64_t caps = 0; // bits of the kind; a mode has ModeTraits instead
    std::span<const segue_option> options = {};
    const char* const* needs = no_needs; // service ids, NULL-terminated
    std::uint32_t wire_rev = 0, wire_rev_min = 0;
    std::uint32_t state_rev = 0, state_rev_min = 0;
};

// `preset` is the default, as it would stand in TOML, unquoted; NULL: none.
constexpr segue_option string_option(const char* key, const char* doc,
                                     const char* preset = nullptr) {
    return {key, doc, preset, 0, 0, SEGUE_OPTION_STRING, 0};
}
constexpr segue_option path_option(const char* key, const char* doc, const char* preset = nullptr) {
    return {key, doc, preset, 0, 0, SEGUE_OPTION_PATH, 0};
}
constexpr segue_option flag_option(const char* key, const char* doc, const char* preset = nullptr) {
    return {key, doc, preset, 0, 0, SEGUE_OPTION_BOOL, 0};
}
// `type`: SEGUE_OPTION_UINT, _SIZE or _DURATION; `max` 0: no bound.
constexpr segue_option number_option(std::uint32_t type, const char* key, const char* doc,
                                     const char* preset = nullptr, std::uint64_t min = 0,
                                     std::uint64_t max = 0) {
    return {key, doc, preset, min, max, type, 0};
}
constexpr segue_option required(segue_option o) {
    o.required = 1;
    return o;
}

namespace detail {

// An error text without allocation: used where memory may be what is missing.
inline segue_status defect(segue_error* e, const char* what) noexcept {
    if (e != nullptr) {
        e->code = SEGUE_INTERNAL;
        e->sys_errno = 0;
        std::snprintf(e->what, sizeof e->what, "a defect of the plugin: %s", what);
        e->way_out[0] = 0;
    }
    return SEGUE_INTERNAL;
}

// Every function of a table runs through this: `f` returns a Status and may throw.
template <class F>
segue_status guarded(segue_error* e, F f) noexcept {
    try {
        const Status s = f();
        return s.ok() ? SEGUE_OK : s.error().to_abi(e);
    } catch (const std::exception& x) {
        return defect(e, x.what());
    } catch (...) {
        return defect(e, "it threw something that is no std::exception");
    }
}

// For functions that cannot fail.
template <class F>
void guarded_void(F f) noexcept {
    try {
        f();
    } catch (...) { // NOLINT(bugprone-empty-catch): there is nobody to tell
    }
}

inline segue_status open_nothing(const segue_host*, segue_error*) noexcept {
    return SEGUE_OK;
}
inline void close_nothing() noexcept {}

constexpr segue_info make_info(const char* kind, const char* id, const char* version, const Info& i,
                               const char* const* caps) {
    return {sizeof(segue_info),
            0,
            kind,
            id,
            version,
            i.licence,
            i.summary,
            i.needs,
            caps,
            i.options.data(),
            static_cast<std::uint32_t>(i.options.size()),
            i.wire_rev,
            i.wire_rev_min,
            i.state_rev,
            i.state_rev_min,
            0};
}

} // namespace detail
} // namespace segue

// The one exported object. Constant data only: no static constructor runs.
#define SEGUE_EXPORT(kind_id, table_value, info_value, cap_bits, cap_names)                        \
    namespace {                                                                                    \
    constexpr auto segue_cap_list = segue::cap_list(cap_bits, cap_names);                          \
    constexpr segue_info segue_plugin_info = segue::detail::make_info(                             \
        kind_id, SEGUE_PLUGIN_ID, SEGUE_PLUGIN_VERSION, info_value, segue_cap_list.data());        \
    constexpr auto segue_plugin_table = table_value;                                               \
    const void* segue_find_table(const char* id) noexcept {                                        \
        return std::strcmp(id, kind_id) == 0 ? &segue_plugin_table : nullptr;                      \
    }                                                                                              \
    }                                                                                              \
    extern "C" __attribute__((visibility("default"))) const segue_plugin segue_plugin_entry;       \
    constexpr segue_plugin segue_plugin_entry = {                                                  \
        sizeof(segue_plugin),        SEGUE_ENTRY_REVISION,         &segue_plugin_info,             \
        segue::detail::open_nothing, segue::detail::close_nothing, segue_find_table}

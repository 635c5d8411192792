// SPDX-License-Identifier: Apache-2.0
// keeper.cpp - a keeper without the facade's care: its functions throw, and its table has another
// capability than it lists. CONSTRUCTOR: a static object throws while the library is loaded.
#include <cstring>
#include <stdexcept>

#include <segue/cpp/keeper.hpp>

namespace {

#ifdef CONSTRUCTOR
struct Thrower {
    Thrower() { throw std::runtime_error("nobody catches this"); }
};
const Thrower thrower;
#endif

int instance = 0;

segue_status create(const segue_config*, const segue_host*, void** self, segue_error*) {
    *self = &instance;
    return SEGUE_OK;
}
segue_status check(void*, const segue_item*, std::uint32_t, segue_error*) {
    throw std::logic_error("check fell over");
}
segue_status hold(void*, const segue_item*, std::uint32_t, segue_error*) {
    return 77;
}
segue_status take(void*, segue_item*, std::uint32_t, std::uint32_t* n, segue_error*) {
    *n = 0;
    return SEGUE_OK;
}
void drop(void*) {}

constexpr segue_keeper table = {
    SEGUE_KEEPER_EXEC | SEGUE_KEEPER_KERNEL, create, drop, check, hold, take, drop};
constexpr const char* caps[] = {"exec", nullptr};
constexpr segue::Info about = {.summary = "breaks the contract"};
constexpr segue_info info =
    segue::detail::make_info(SEGUE_KEEPER_ID, SEGUE_PLUGIN_ID, SEGUE_PLUGIN_VERSION, about, caps);

segue_status open_plugin(const segue_host*, segue_error*) {
    return SEGUE_OK;
}
void close_plugin() {}
const void* find(const char* id) {
    return std::strcmp(id, SEGUE_KEEPER_ID) == 0 ? &table : nullptr;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const segue_plugin segue_plugin_entry;
constexpr segue_plugin segue_plugin_entry = {sizeof(segue_plugin), SEGUE_ENTRY_REVISION, &info,
                                             open_plugin,          close_plugin,         find};

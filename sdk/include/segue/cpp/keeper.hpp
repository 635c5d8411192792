// SPDX-License-Identifier: Apache-2.0
// keeper.hpp - a keeper plugin in C++: derive from Keeper, then SEGUE_EXPORT_KEEPER(YourKeeper,
// info). <segue/abi/keeper.h> says what each function must do.
#pragma once

#include <memory>
#include <span>

#include <segue/abi/keeper.h>
#include <segue/cpp/plugin.hpp>

namespace segue {

// A derived class has `static Result<std::unique_ptr<T>> create(const Config&, const Host&)`.
class Keeper {
public:
    virtual ~Keeper() = default;
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    virtual Status check(std::span<const segue_item> items) = 0;
    // All or none; the fds are borrowed.
    virtual Status hold(std::span<const segue_item> items) = 0;
    // Gives how many there are; Invalid, with nothing taken, where `room` is too small. The names
    // live until the next call.
    virtual Result<std::uint32_t> take(std::span<segue_item> room) = 0;
    virtual void drop() = 0;

protected:
    Keeper() = default;
};

namespace detail {

struct KeeperTable {
    static Keeper& self(void* p) { return *static_cast<Keeper*>(p); }

    template <class T>
    static segue_status create(const segue_config* c, const segue_host* h, void** out,
                               segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(std::unique_ptr<Keeper> k, T::create(Config(c, h), Host(h)));
            *out = k.release();
            return {};
        });
    }
    static void destroy(void* p) noexcept {
        guarded_void([&] { delete &self(p); });
    }
    static segue_status check(void* p, const segue_item* items, std::uint32_t n,
                              segue_error* e) noexcept {
        return guarded(e, [&] { return self(p).check({items, n}); });
    }
    static segue_status hold(void* p, const segue_item* items, std::uint32_t n,
                             segue_error* e) noexcept {
        return guarded(e, [&] { return self(p).hold({items, n}); });
    }
    static segue_status take(void* p, segue_item* items, std::uint32_t cap, std::uint32_t* n,
                             segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(*n, self(p).take({items, cap}));
            return {};
        });
    }
    static void drop(void* p) noexcept {
        guarded_void([&] { self(p).drop(); });
    }

    template <class T>
    static constexpr segue_keeper make(std::uint64_t survives) {
        return {survives, create<T>, destroy, check, hold, take, drop};
    }
};

} // namespace detail
} // namespace segue

#define SEGUE_EXPORT_KEEPER(Class, info)                                                           \
    SEGUE_EXPORT(SEGUE_KEEPER_ID, segue::detail::KeeperTable::make<Class>((info).caps), info,      \
                 (info).caps, segue::keeper_caps)

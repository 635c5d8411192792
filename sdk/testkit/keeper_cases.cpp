// SPDX-License-Identifier: Apache-2.0
// keeper_cases.cpp - descriptors that are held, given back and forgotten. The time without a VMM is
// one in which the process service passes on what was put there, and another instance takes it.
#include <fcntl.h>

#include <array>
#include <set>

#include <segue/abi/keeper.h>
#include <segue/cpp/sys.hpp>

#include "sdk/testkit/subject.hpp"
#include "sdk/testkit/surroundings.hpp"

namespace segue::testkit {

namespace {

using Keeper = Instance<segue_keeper>;
constexpr std::uint32_t kItems = 5;
constexpr const char* all_or_none = "hold() holds all of them or none";

// Named as the host names them.
struct Items {
    std::vector<std::string> names;
    std::vector<UniqueFd> fds;
    std::vector<segue_item> list;

    static Result<Items> make(std::uint32_t n) {
        Items i;
        for (std::uint32_t at = 0; at < n; ++at) {
            SEGUE_ASSIGN(UniqueFd fd, sys::memfd("kept", 0));
            SEGUE_TRY(sys::truncate(fd.get(), at + 1));
            i.fds.push_back(std::move(fd));
            i.names.push_back("segue." + std::to_string(at));
        }
        for (std::uint32_t at = 0; at < n; ++at)
            i.list.push_back({i.names[at].c_str(), i.fds[at].get(), 0});
        return i;
    }
    std::uint32_t size() const { return static_cast<std::uint32_t>(list.size()); }
};

Status hold(const Keeper& k, const Items& items) {
    return k.subject().must("hold", all_or_none, [&](segue_error* e) {
        return k.table().hold(k.self(), items.list.data(), items.size(), e);
    });
}

struct Taken {
    std::vector<std::string> names;
    std::vector<UniqueFd> fds;
};

Result<Taken> take(const Keeper& k) {
    std::array<segue_item, 64> room = {};
    std::uint32_t n = 0;
    SEGUE_TRY(k.subject().must("take", "take() gives back all that is held", [&](segue_error* e) {
        return k.table().take(k.self(), room.data(), room.size(), &n, e);
    }));
    if (n > room.size())
        return broke("take() gave more than there is room for",
                     "INVALID where `cap` is too small, nothing taken");
    Taken t;
    for (std::uint32_t i = 0; i < n; ++i) {
        const int flags = ::fcntl(room[i].fd, F_GETFD);
        if (flags < 0 || (flags & FD_CLOEXEC) == 0)
            return broke(std::string("take() gave a descriptor that ") +
                             (flags < 0 ? "is not open" : "an execve would leave open"),
                         rules::descriptors);
        t.fds.emplace_back(room[i].fd);
        t.names.emplace_back(room[i].name != nullptr ? room[i].name : "");
    }
    return t;
}

Status same(const Items& held, const Taken& taken) {
    std::set<std::pair<std::string, ino_t>> want, got;
    for (std::uint32_t i = 0; i < held.size(); ++i) {
        SEGUE_ASSIGN(const struct stat s, sys::stat(held.fds[i].get()));
        want.emplace(held.names[i], s.st_ino);
    }
    for (std::size_t i = 0; i < taken.fds.size(); ++i) {
        SEGUE_ASSIGN(const struct stat s, sys::stat(taken.fds[i].get()));
        got.emplace(taken.names[i], s.st_ino);
    }
    if (want == got)
        return {};
    return broke(std::to_string(want.size()) + " descriptors were held, and of " +
                     std::to_string(got.size()) + " that came back not all have their name",
                 "take() gives back all that is held, by name");
}

Status table_is_whole(Subject& s) {
    const auto& t = s.table<segue_keeper>();
    if (t.create == nullptr || t.destroy == nullptr || t.check == nullptr || t.hold == nullptr ||
        t.take == nullptr || t.drop == nullptr)
        return broke("a function that every keeper has is NULL", rules::tables);
    return t.survives != 0 ? Status() : broke("it says that nothing survives", rules::caps);
}

Status check_changes_nothing(Subject& s) {
    SEGUE_ASSIGN(const Keeper k, Keeper::make(s));
    SEGUE_ASSIGN(const Items items, Items::make(kItems));
    const Surroundings before = holdings();
    SEGUE_TRY(s.must("check", "check() says whether hold() would take these", [&](segue_error* e) {
        return k.table().check(k.self(), items.list.data(), items.size(), e);
    }));
    const std::string held = difference(before, holdings());
    return held.empty() ? Status()
                        : broke("check() holds something: " + held, "check() changes nothing");
}

Status gives_back_what_it_held(Subject& s) {
    SEGUE_ASSIGN(const Keeper k, Keeper::make(s));
    SEGUE_ASSIGN(const Items items, Items::make(kItems));
    SEGUE_TRY(hold(k, items));
    for (const UniqueFd& fd : items.fds)
        if (::fcntl(fd.get(), F_GETFD) < 0)
            return broke("hold() closed a descriptor of the caller's",
                         "hold(): the fds stay the caller's too");
    s.host().execve();
    SEGUE_ASSIGN(const Keeper next, Keeper::make(s));
    SEGUE_ASSIGN(const Taken taken, take(next));
    SEGUE_TRY(same(items, taken));
    SEGUE_ASSIGN(const Taken rest, take(next));
    return rest.fds.empty() ? Status()
                            : broke("take() gave something twice", "take() gives back all");
}

Status takes_all_or_nothing(Subject& s) {
    constexpr const char* rule = "INVALID where `cap` is too small, nothing taken";
    SEGUE_ASSIGN(const Keeper k, Keeper::make(s));
    SEGUE_ASSIGN(const Items items, Items::make(kItems));
    SEGUE_TRY(hold(k, items));
    s.host().execve();
    SEGUE_ASSIGN(const Keeper next, Keeper::make(s));
    std::array<segue_item, kItems - 1> room = {};
    std::uint32_t n = 0;
    SEGUE_ASSIGN(const Answer a, s.call("take", [&](segue_error* e) {
        return next.table().take(next.self(), room.data(), room.size(), &n, e);
    }));
    if (a.status != SEGUE_INVALID)
        return broke("five descriptors were held, there was room for four, and take() answered " +
                         a.text(),
                     rule);
    SEGUE_ASSIGN(const Taken taken, take(next));
    return same(items, taken);
}

Status holds_all_or_none(Subject& s) {
    SEGUE_ASSIGN(const Keeper k, Keeper::make(s));
    SEGUE_ASSIGN(Items items, Items::make(kItems));
    items.list[kItems - 2].fd = 1 << 20; // open to nothing
    SEGUE_ASSIGN(const Answer a, s.call("hold", [&](segue_error* e) {
        return k.table().hold(k.self(), items.list.data(), items.size(), e);
    }));
    if (a.ok())
        return broke("hold() answered OK for a descriptor that is not open", all_or_none);
    s.host().execve();
    SEGUE_ASSIGN(const Keeper next, Keeper::make(s));
    SEGUE_ASSIGN(const Taken taken, take(next));
    return taken.fds.empty() ? Status()
                             : broke("hold() failed and kept " + std::to_string(taken.fds.size()) +
                                         " descriptors",
                                     all_or_none);
}

Status forgets(Subject& s) {
    SEGUE_ASSIGN(const Keeper k, Keeper::make(s));
    SEGUE_ASSIGN(const Items items, Items::make(kItems));
    const Surroundings before = holdings();
    SEGUE_TRY(hold(k, items));
    s.call_void("drop", [&] { k.table().drop(k.self()); });
    const std::string held = difference(before, holdings());
    if (!held.empty())
        return broke("after drop() it still holds something: " + held,
                     "drop() forgets and closes what is held");
    SEGUE_TRY(hold(k, items)); // the next update's
    s.call_void("drop", [&] { k.table().drop(k.self()); });
    return {};
}

constexpr Case cases[] = {
    {"table-is-whole", "Every function is there.", table_is_whole},
    {"check-changes-nothing", "check() agrees to five descriptors, and holds none.",
     check_changes_nothing},
    {"gives-back-what-it-held", "Another instance takes five descriptors back, by name.",
     gives_back_what_it_held},
    {"takes-all-or-nothing", "Too little room is INVALID, and nothing is lost.",
     takes_all_or_nothing},
    {"holds-all-or-none", "One bad descriptor, and none is held.", holds_all_or_none},
    {"forgets", "drop() closes what is held, and hold() may follow.", forgets},
};

} // namespace

Status keeper_round(Subject& s) {
    SEGUE_ASSIGN(const Keeper k, Keeper::make(s));
    SEGUE_ASSIGN(const Items items, Items::make(kItems));
    SEGUE_TRY(hold(k, items));
    s.host().execve();
    SEGUE_ASSIGN(const Keeper next, Keeper::make(s));
    SEGUE_ASSIGN(const Taken taken, take(next));
    return same(items, taken);
}

std::span<const Case> keeper_cases() {
    return cases;
}

} // namespace segue::testkit

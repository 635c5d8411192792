// SPDX-License-Identifier: Apache-2.0
// memory_claims.hpp - the cases of RAM that outlives its process, and what all cases of memory
// share.
#pragma once

#include <segue/cpp/sys.hpp>

#include "sdk/testkit/ram_block.hpp"

namespace segue::testkit {

Status shares(Subject& s);
Status adopts(Subject& s);
Status reopens(Subject& s);
Status reopen_harms_nothing(Subject& s);
Status drops(Subject& s);

inline constexpr const char* kBlock = "ram0";

// What make() left outside goes away at the end.
class Dropped {
public:
    Dropped(const Memory& m, const char* name)
        : m_(m)
        , name_(name) {}
    Dropped(const Dropped&) = delete;
    Dropped& operator=(const Dropped&) = delete;
    ~Dropped() { drop(m_, name_); }

private:
    const Memory& m_;
    const char* name_;
};

} // namespace segue::testkit

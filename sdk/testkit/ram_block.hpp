// SPDX-License-Identifier: Apache-2.0
// ram_block.hpp - a RAM block of the memory plugin under test, checked against what memory.h says.
#pragma once

#include <optional>
#include <string>

#include <segue/abi/memory.h>
#include <segue/cpp/mapping.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "sdk/testkit/subject.hpp"

namespace segue::testkit {

using Memory = Instance<segue_memory>;

struct RamBlock {
    segue_block raw = {};
    UniqueFd fd; // none: anonymous

    bool outlives(std::uint64_t survives) const { return (raw.survives & survives) == survives; }
    // As the host maps it.
    Result<Mapping> map() const;
};

// What `function` gave for `bytes`, or what is wrong with it.
Result<RamBlock> judge_block(const Memory& m, const char* function, const segue_block& raw,
                             std::uint64_t bytes);

Result<RamBlock> make(const Memory& m, const char* name);
// An answer that is not OK is no failure here: none.
struct Tried {
    Answer answer;
    std::optional<RamBlock> block;
};
Result<Tried> try_make(const Memory& m, const char* name);
Result<Tried> try_reopen(const Memory& m, const char* name, std::uint64_t bytes);
// `fd` is consumed where the answer is OK; that it is untouched otherwise is checked.
Result<Tried> try_adopt(const Memory& m, const char* name, UniqueFd fd, std::uint64_t offset);
void drop(const Memory& m, const char* name);

} // namespace segue::testkit

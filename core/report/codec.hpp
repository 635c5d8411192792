// SPDX-License-Identifier: Apache-2.0
// codec.hpp - an update's record in the guest's state: section "update" and one "update-phase" a
// phase, instances "0", "1", ...
#pragma once

#include "core/report/record.hpp"
#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::report {

// Text that is not UTF-8 (a path, a kernel's message) is made so. Of an error's details of one name
// the first is kept. The guest's uuid stands in the container's header.
void save_record(const UpdateRecord& record, state::Writer& out);
// Takes the sections. NOT_FOUND: the state holds no record. CORRUPT: a field or a phase is missing
// or out of range.
Result<UpdateRecord> load_record(const state::Reader& in);

} // namespace segue::report

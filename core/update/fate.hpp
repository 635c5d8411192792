// SPDX-License-Identifier: Apache-2.0
// fate.hpp - what became of an update whose end nobody wrote into the journal.
#pragma once

#include <string>

#include "core/base/places.hpp"
#include "core/report/record.hpp"

namespace segue::update {

// For a record that is not final, as the journal has it: leaves it alone where a VMM is at it
// still, else makes it `failed`, with what the run folder's ownership record tells about the dead.
// `lives`: somebody holds the guest's lock. [any]
void find_fate(report::UpdateRecord& record, const GuestPlaces& places, bool lives);

} // namespace segue::update

// SPDX-License-Identifier: Apache-2.0
// print.hpp - a measurement as text for people and as JSON for machines.
#pragma once

#include <string>

#include "core/observer/page.h"
#include "core/observer/tracker.hpp"

namespace segue::observer {

// `page`: the guest's own word on its errors, read now.
std::string text_of(const Measurement& m, const volatile segue_page& page);
// One line. Times are nanoseconds of CLOCK_MONOTONIC.
std::string json_of(const Measurement& m, const volatile segue_page& page);

} // namespace segue::observer

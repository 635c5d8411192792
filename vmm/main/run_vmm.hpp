// SPDX-License-Identifier: Apache-2.0
// run_vmm.hpp - the whole of segue-vmm but main() itself, so that tests can build one with another
// Report.
#pragma once

#include "core/report/report.hpp"

namespace segue::vmm {

// Gives the exit code: the guest's own (0 to 255 by its debug exit), 0 after an update, 1 for an
// error, 2 for a wrong command line. `report` may be NULL.
int run_vmm(int argc, char** argv, report::Report* report);

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/run_vmm.hpp"

#include "core/base/log.hpp"
#include "vmm/main/guest_process.hpp"
#include "vmm/main/options.hpp"
#include "vmm/main/signals.hpp"

namespace segue::vmm {

namespace {

int fail(const Error& e, int code) {
    log::error(e.what() + (e.way_out().empty() ? "" : " (" + e.way_out() + ")"));
    return code;
}

Result<int> live(const Options& options, report::Report* report) {
    SEGUE_TRY(block_signals());
    SEGUE_ASSIGN(const auto guest, GuestProcess::make(options, report));
    SEGUE_ASSIGN(const Signals signals, Signals::watch(guest->inbox()));
    SEGUE_TRY(options.incoming ? guest->take_over() : guest->boot());
    return guest->run();
}

} // namespace

int run_vmm(int argc, char** argv, report::Report* report) {
    log::start("segue-vmm", log::Level::Info);
    const auto options = parse_options(argc, argv);
    if (!options)
        return fail(options.error(), 2);
    if (!*options)
        return 0;
    log::start("segue-vmm", (*options)->log_level);
    const auto code = live(**options, report);
    return code ? *code : fail(code.error(), 1);
}

} // namespace segue::vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/run_vmm.hpp"

#include <sys/prctl.h>

#include <cerrno>

#include "core/base/log.hpp"
#include "core/base/wait.hpp"
#include "core/update/stream.hpp"
#include "vmm/main/doctor.hpp"
#include "vmm/main/guest_process.hpp"
#include "vmm/main/options.hpp"
#include "vmm/main/signals.hpp"
#include "vmm/memory/ram_fault.hpp"

namespace segue::vmm {

namespace {

int fail(const Error& e, int code) {
    log::error(e.what() + (e.way_out().empty() ? "" : " (" + e.way_out() + ")"));
    return code;
}

// Who started us as a successor reads why, not only that we ended.
void refuse(const Options& options, const Error& why) {
    const int fd = options.probe_fd >= 0 ? options.probe_fd : options.stream_fd;
    if (fd < 0)
        return;
    const update::Stream stream{UniqueFd(fd)};
    (void)stream.refuse(why, Waiter{Deadline::in(std::chrono::seconds(1))}).ok();
}

Result<int> live(const Options& options, report::Report* report) {
    if (options.doctor)
        return doctor(options);
    SEGUE_TRY(block_signals());
    SEGUE_TRY(tell_ram_faults());
    const auto made = GuestProcess::make(options, report);
    if (!made) {
        refuse(options, made.error());
        return made.error();
    }
    const auto& guest = *made;
    SEGUE_ASSIGN(const Signals signals, Signals::watch(guest->inbox()));
    if (options.probe_fd >= 0) {
        SEGUE_TRY(guest->answer());
        return 0;
    }
    const bool later = options.incoming || options.restore || options.handoff_fd >= 0;
    SEGUE_TRY(later ? guest->take_over() : guest->boot());
    return guest->run();
}

} // namespace

int run_vmm(int argc, char** argv, report::Report* report) {
    // After execveat(2) of a descriptor the kernel calls us by its number.
    ::prctl(PR_SET_NAME, program_invocation_short_name);
    log::start("segue-vmm", log::Level::Info);
    const auto options = parse_options(argc, argv);
    if (!options)
        return fail(options.error(), 2);
    if (!*options)
        return 0;
    log::start("segue-vmm", (*options)->log_level);
    const auto code = live(**options, report);
    if (code.code() == Code::Cancelled) { // asked for, and done
        log::info(code.error().what());
        return 0;
    }
    return code ? *code : fail(code.error(), 1);
}

} // namespace segue::vmm

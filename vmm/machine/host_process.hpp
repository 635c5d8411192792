// SPDX-License-Identifier: Apache-2.0
// host_process.hpp - what the host knows of a VMM's process besides its threads: its OOM score and
// its cgroup. A process that the old VMM starts, or becomes, has both already.
#pragma once

#include <optional>
#include <string>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

// Section "process" of the manifest.
struct HostProcess {
    int oom_score = 0;  // oom_score_adj of proc(5)
    std::string cgroup; // /proc/self/cgroup

    static Result<HostProcess> self();
    void write(state::Writer& manifest) const;
    // Nothing where the manifest is of a VMM that did not say.
    static Result<std::optional<HostProcess>> read(const state::Reader& manifest);

    // Gives this process `oom_score`, where it has another one.
    Status take_oom_score() const;
    // What to warn of where this process is in another cgroup, whose limits the guest comes under;
    // to move it is for whoever started it there. "": it is in the same.
    std::string other_cgroup() const;
};

} // namespace segue::vmm

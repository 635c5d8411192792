// SPDX-License-Identifier: Apache-2.0
// vcpus.hpp - the guest's vCPUs, as the engine sees them.
#pragma once

#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"

namespace segue::ports {

// Implemented by vmm; faked in tests. All calls come from one thread at a time.
class Vcpus {
public:
    virtual ~Vcpus() = default;
    Vcpus(const Vcpus&) = delete;
    Vcpus& operator=(const Vcpus&) = delete;

    // Takes every vCPU out of the guest, with no exit half done. REFUSED where the guest reset,
    // powered off, crashed or went to sleep meanwhile (detail "event"; the last one "suspend"): the
    // vCPUs stand still then, too, and the event has been told. DEADLINE: they go on. Idempotent.
    virtual Status stop(Deadline deadline) = 0;

    // Lets them run. Only the owner calls this; nothing in it can fail. [update, control]
    virtual void run() noexcept = 0;

    // From now on each vCPU that runs is out of the guest for `percent` of the time, 0 to 99, in
    // turns of some milliseconds; stop() waits for no turn.
    virtual void throttle(unsigned percent) noexcept = 0;

protected:
    Vcpus() = default;
};

} // namespace segue::ports

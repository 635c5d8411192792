// SPDX-License-Identifier: Apache-2.0
// devices.hpp - everything of the machine that does work of its own, as the engine sees it: the
// verbs of docs/explanation/update.md, "Devices in an update".
#pragma once

#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"

namespace segue::ports {

// Implemented by vmm over all its devices; faked in tests. [update]
class Devices {
public:
    virtual ~Devices() = default;
    Devices(const Devices&) = delete;
    Devices& operator=(const Devices&) = delete;

    // Old side, guest running: takes no new host I/O; returns once none is in flight, or DEADLINE
    // naming the device.
    virtual Status settle(Deadline deadline) = 0;
    // Old side, vCPUs stopped: stops or latches; nothing touches guest RAM afterwards.
    virtual Status quiesce() = 0;
    // Old side, after quiesce(): what the guest has asked for and no device has taken, which the
    // next generation finds in guest RAM.
    virtual unsigned requests_waiting() const = 0;
    // New side, state loaded, before the commit: outside acts that the old side can undo. *claimed
    // is set as soon as there is anything to undo.
    virtual Status claim(bool* claimed) = 0;
    // Starts work, after the commit on the new side, after a rollback on the old one. A device that
    // cannot start is marked failed and told to the guest.
    virtual void activate() noexcept = 0;
    // Old side, after a failed update in which the candidate had claimed: takes it back.
    virtual Status reclaim() = 0;

protected:
    Devices() = default;
};

} // namespace segue::ports

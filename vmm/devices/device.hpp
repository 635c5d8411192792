// SPDX-License-Identifier: Apache-2.0
// device.hpp - what every device model can do in an update.
#pragma once

#include <string_view>

#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"
#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

// A section's name, instance and schema revision: {"serial", "com1", 1}.
struct DeviceId {
    std::string_view name;
    std::string_view instance;
    std::uint32_t revision = 1;
};

// One part of the machine with state of its own. [update, vCPUs stopped]
class Device {
public:
    virtual ~Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    virtual DeviceId id() const = 0;
    // Between the section's begin() and end().
    virtual void save(state::Writer& section) const = 0;
    // All or nothing: a section that does not fit leaves the device as it was.
    virtual Status load(const state::Section& section) = 0;
    // As after power-on; outside connections stay.
    virtual void reset() noexcept = 0;

protected:
    Device() = default;
};

// A device that works by itself, on a thread or on the host: the verbs of update.md section 4.
class ActiveDevice : public Device {
public:
    // Takes no new host I/O and waits for what is in flight; the guest still runs. Idempotent.
    virtual Status settle(Deadline deadline) = 0;
    // Starts; also after a settle that led to nothing. Idempotent.
    virtual void activate() noexcept = 0;
    // What the guest has asked for and no device has taken yet. Settled, vCPUs stopped.
    virtual unsigned requests_waiting() const { return 0; }
    // It, or the host for it, writes guest RAM without GuestRam::wrote(): no mode may copy RAM
    // while it works.
    virtual bool writes_unseen() const { return false; }
};

} // namespace segue::vmm

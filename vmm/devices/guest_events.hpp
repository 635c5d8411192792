// SPDX-License-Identifier: Apache-2.0
// guest_events.hpp - what a guest does that ends it, restarts it or puts it to sleep.
#pragma once

#include <cstdint>
#include <string>

namespace segue::vmm {

struct GuestEvent {
    enum class Kind { Shutdown, Reset, TripleFault, Crash, Suspend };
    Kind kind = Kind::Crash;
    std::uint32_t code = 0; // Shutdown: the guest's exit code
    std::string text;       // Crash: what KVM said
};

// Stable names: "shutdown", "reset", "triple-fault", "crash", "suspend".
const char* name_of(GuestEvent::Kind kind);

// Who decides what follows: the program. Told once until the guest is reset or woken, on the thread
// of the vCPU that did it; by then no vCPU enters the guest again. Must not wait for the vCPUs.
class GuestEvents {
public:
    virtual ~GuestEvents() = default;
    GuestEvents(const GuestEvents&) = delete;
    GuestEvents& operator=(const GuestEvents&) = delete;

    virtual void guest_event(const GuestEvent& event) = 0;

protected:
    GuestEvents() = default;
};

} // namespace segue::vmm

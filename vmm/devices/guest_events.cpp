// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/guest_events.hpp"

namespace segue::vmm {

const char* name_of(GuestEvent::Kind kind) {
    switch (kind) {
    case GuestEvent::Kind::Shutdown:
        return "shutdown";
    case GuestEvent::Kind::Reset:
        return "reset";
    case GuestEvent::Kind::TripleFault:
        return "triple-fault";
    case GuestEvent::Kind::Crash:
        return "crash";
    case GuestEvent::Kind::Suspend:
        return "suspend";
    }
    return "crash";
}

} // namespace segue::vmm

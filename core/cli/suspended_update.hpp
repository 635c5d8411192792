// SPDX-License-Identifier: Apache-2.0
// suspended_update.hpp - an update in the guest's sleep: before it and after it.
#pragma once

#include "core/control/client.hpp"

namespace segue::cli {

// Whether the guest can be put to sleep: its hardware has S3, its agent answers. REFUSED, DEADLINE:
// nothing was done.
Status can_suspend(const control::Client& client);
// Has the agent suspend it, and waits until it is. An error: it goes on running; where it only took
// too long, it may still fall asleep.
Status suspend(const control::Client& client, std::chrono::seconds timeout);
// Whatever became of the update, and waits until its agent answers: a kernel that resumes loses
// what is sent to a device that it has not started again. DEADLINE: it was woken, but does not
// answer.
Status wake(const control::Client& client);

} // namespace segue::cli

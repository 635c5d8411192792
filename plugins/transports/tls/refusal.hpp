// SPDX-License-Identifier: Apache-2.0
// refusal.hpp - why a handshake failed, in words for an operator.
#pragma once

#include <segue/cpp/result.hpp>

#include "context.hpp"
#include "socket_bio.hpp"
#include "witness.hpp"

namespace tls {

enum class Role { Connects, Listens };

// From what the callbacks saw, what came over the wire, and this thread's error queue of OpenSSL,
// which is empty afterwards.
segue::Error refusal(const Context& context, const Witness& witness, const Wire& wire, Role role);
// What OpenSSL says of an open connection that it gives up.
segue::Error broken();

} // namespace tls

// SPDX-License-Identifier: Apache-2.0
// pre_shared_key.hpp - a key that both sides have in place of certificates (RFC 8446, 4.2.11,
// external; always with a Diffie-Hellman exchange beside it).
#pragma once

#include <string>

#include <segue/cpp/result.hpp>

#include "openssl.hpp"

namespace tls {

// The key's bytes, from hexadecimal digits on one line: 32 to 64 of them.
segue::Result<std::string> read_shared_key(const std::string& path);
// Takes it from the Context that is the context's app data.
void use_shared_key(ssl_ctx_st* context);

} // namespace tls

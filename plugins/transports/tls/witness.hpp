// SPDX-License-Identifier: Apache-2.0
// witness.hpp - what OpenSSL's callbacks saw in one handshake, for its error.
#pragma once

#include <string>

namespace tls {

// Reached by SSL_get_app_data. [the connection's thread]
struct Witness {
    std::string refused, way_out; // why the other side's certificate was not taken; empty: it was
    bool key_offered = false;     // listening side: the other one has a pre-shared key
    std::string identity;         // and calls it this
    bool confirmed = false;       // connecting side: the other one has taken this one's proof
};

} // namespace tls

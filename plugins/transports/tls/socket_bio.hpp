// SPDX-License-Identifier: Apache-2.0
// socket_bio.hpp - the socket below a connection, as OpenSSL reads from it and writes to it.
#pragma once

#include <cstddef>
#include <vector>

#include <segue/cpp/unique_fd.hpp>

#include "openssl.hpp"

namespace tls {

// Many records (16 KiB each) come and leave with one system call; a write never stops within one.
// (With read_ahead OpenSSL would do the first, and move all that is left after each record to align
// the next one.) [under the connection's mutex]
struct Wire {
    // Receives what there is; false: nothing, for now, ever (`ended`), or by `error`.
    bool fill();
    // Sends what is gathered; false: the rest must wait. What fails is in `error`.
    bool send();
    bool sent() const { return at == out.size(); }

    segue::UniqueFd fd;
    std::vector<char> out;
    std::size_t at = 0; // up to here it is sent
    std::vector<char> in;
    std::size_t taken = 0, came = 0; // of `in`
    int first_byte = -1;             // that came
    bool ended = false;              // the other side sends no more
    int error = 0;                   // errno
};

BioMethod make_socket_method();
// Gives the connection its wire, which must outlive it; false: no memory.
bool attach(ssl_st* ssl, bio_method_st* method, Wire& wire);

} // namespace tls

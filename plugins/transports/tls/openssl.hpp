// SPDX-License-Identifier: Apache-2.0
// openssl.hpp - objects of OpenSSL, owned, without its headers.
#pragma once

#include <memory>

struct ssl_ctx_st;    // SSL_CTX
struct ssl_st;        // SSL
struct bio_method_st; // BIO_METHOD

namespace tls {

struct Free {
    void operator()(ssl_ctx_st* p) const;
    void operator()(ssl_st* p) const;
    void operator()(bio_method_st* p) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, Free>;
using Ssl = std::unique_ptr<ssl_st, Free>;
using BioMethod = std::unique_ptr<bio_method_st, Free>;

} // namespace tls

// SPDX-License-Identifier: Apache-2.0
#include "context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certificates.hpp"
#include "pre_shared_key.hpp"
#include "socket_bio.hpp"

namespace tls {

using namespace segue;

void Free::operator()(ssl_ctx_st* p) const {
    SSL_CTX_free(p);
}
void Free::operator()(ssl_st* p) const {
    SSL_free(p);
}
void Free::operator()(bio_method_st* p) const {
    BIO_meth_free(p);
}

namespace {

// RFC 8446, section 9.1: the one that every implementation has. Both sides are this plugin; with
// one suite there is nothing to negotiate, and the hash is the one that pre-shared keys have.
constexpr const char* kSuite = "TLS_AES_128_GCM_SHA256";

} // namespace

Result<std::shared_ptr<const Context>> Context::load(const Settings& settings) {
    std::shared_ptr<Context> c(new Context(settings));
    ERR_clear_error();
    c->socket_ = make_socket_method();
    c->ssl_.reset(SSL_CTX_new(TLS_method()));
    if (!c->ssl_ || !c->socket_)
        return Error(Code::Internal, "OpenSSL has no memory for a context");
    SEGUE_TRY(c->restrict());
    SSL_CTX_set_app_data(c->get(), c.get());
    if (settings.shares_key()) {
        SEGUE_ASSIGN(c->shared_key_, read_shared_key(settings.psk));
        use_shared_key(c->get());
    } else {
        SEGUE_TRY(use_certificates(c->get(), settings));
    }
    return std::shared_ptr<const Context>(std::move(c));
}

// What does not depend on the options.
Status Context::restrict() {
    SSL_CTX* ctx = ssl_.get();
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, kSuite) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
        SSL_CTX_set_session_id_context(ctx, kSessions, sizeof kSessions) != 1)
        return Error(Code::Unsupported, std::string("this OpenSSL has no TLS 1.3 with ") + kSuite)
            .way_out("check what /etc/ssl/openssl.cnf forbids");
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_certificate);
    return {};
}

Status Context::check_time() const {
    return settings_.shares_key() ? Status() : check_own_time(ssl_.get(), settings_.cert);
}

std::string Context::own_certificate() const {
    return settings_.shares_key() ? "" : describe_own(ssl_.get());
}

} // namespace tls

// SPDX-License-Identifier: Apache-2.0
#include "certificates.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "context.hpp"
#include "key_file.hpp"
#include "plugins/transports/common/printable.hpp"
#include "witness.hpp"

namespace tls {

using namespace segue;

namespace {

constexpr std::size_t kNames = 128; // bytes, of all

struct FreeX509 {
    void operator()(BIO* p) const { BIO_free(p); }
    void operator()(X509* p) const { X509_free(p); }
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
using Bio = std::unique_ptr<BIO, FreeX509>;
using Certificate = std::unique_ptr<X509, FreeX509>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeX509>;

// What OpenSSL said last; its queue is empty afterwards.
std::string reason() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char* text = ERR_reason_error_string(code);
    return text != nullptr ? text : "no reason was given";
}

std::string name_of(const X509_NAME* name) {
    const Bio out(BIO_new(BIO_s_mem()));
    char* text = nullptr;
    if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
        return "?";
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string text_of(const ASN1_TIME* time) {
    std::tm tm = {};
    std::array<char, 32> text{};
    if (ASN1_TIME_to_tm(time, &tm) != 1 ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        return "an unreadable date";
    return text.data();
}

// The names that a certificate is made out to: its subjectAltName, nothing else counts.
std::string names_in(const X509* x) {
    auto* all =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x, NID_subject_alt_name, nullptr, nullptr));
    std::string list;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        const GENERAL_NAME* n = sk_GENERAL_NAME_value(all, i);
        if (n->type != GEN_DNS)
            continue;
        list += list.empty() ? "" : ", ";
        list.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(n->d.dNSName)),
                    static_cast<std::size_t>(ASN1_STRING_length(n->d.dNSName)));
    }
    GENERAL_NAMES_free(all);
    return list.empty() ? "no DNS name" : printable(std::move(list), kNames);
}

std::string called(const X509* x) {
    return "certificate '" + name_of(X509_get_subject_name(x)) + "'";
}

std::string describe(const X509* x) {
    return called(x) + ", issued by '" + name_of(X509_get_issuer_name(x)) + "', valid until " +
           text_of(X509_get0_notAfter(x));
}

Result<Bio> open_pem(const std::string& path, Secrecy secrecy) {
    SEGUE_ASSIGN(const std::string bytes, read_key_file(path, secrecy));
    Bio memory(BIO_new(BIO_s_mem()));
    if (!memory || BIO_write(memory.get(), bytes.data(), static_cast<int>(bytes.size())) !=
                       static_cast<int>(bytes.size()))
        return Error(Code::Internal, "read " + path + ": " + reason());
    return memory;
}

Error no_certificate(const std::string& path, const std::string& why) {
    return Error(Code::Invalid, path + " has no certificate that can be read: " + why)
        .way_out("it must be PEM: -----BEGIN CERTIFICATE-----");
}

// Calls `f(Certificate)` for each one in the file.
template <class F>
Status for_certificates(const std::string& path, F f) {
    SEGUE_ASSIGN(const Bio in, open_pem(path, Secrecy::Public));
    for (int n = 0;; ++n) {
        Certificate x(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
        if (x) {
            SEGUE_TRY(f(std::move(x)));
            continue;
        }
        const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        const std::string why = reason();
        return end && n > 0 ? Status() : no_certificate(path, end ? "there is none in it" : why);
    }
}

// A password would be asked for on a terminal.
int no_password(char*, int, int, void*) {
    return -1;
}

Status use_key(SSL_CTX* ctx, const Settings& s) {
    SEGUE_ASSIGN(const Bio in, open_pem(s.key, Secrecy::Secret));
    const PrivateKey key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
    if (!key)
        return Error(Code::Invalid, s.key + " holds no private key that can be read: " + reason())
            .way_out("it must be PEM, without a password");
    if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return Error(Code::Invalid,
                     "key " + s.key + " is not that of certificate " + s.cert + ": " + reason())
            .way_out("set 'cert' and 'key' to files that were made together");
    return {};
}

Status demand_name(SSL_CTX* ctx, const std::string& name) {
    X509_VERIFY_PARAM* demands = SSL_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_hostflags(demands, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                 X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_VERIFY_PARAM_set1_ip_asc(demands, name.c_str()) == 1)
        return {};
    ERR_clear_error();
    if (X509_VERIFY_PARAM_set1_host(demands, name.c_str(), name.size()) != 1)
        return Error(Code::Invalid, "'" + name + "' cannot be a 'peer_name': " + reason());
    return {};
}

// Why the certificate at hand is not taken.
void explain(Witness& w, const Settings& s, X509_STORE_CTX* store) {
    const X509* x = X509_STORE_CTX_get_current_cert(store);
    const int error = X509_STORE_CTX_get_error(store);
    const std::string who = x != nullptr ? called(x) : "a certificate";
    w.way_out = "give the other side a certificate that 'ca' has issued; see openssl verify";
    switch (x != nullptr ? error : X509_V_ERR_UNSPECIFIED) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        w.refused = who + " expired on " + text_of(X509_get0_notAfter(x));
        w.way_out = "renew the other side's certificate, or set this host's clock";
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        w.refused = who + " is not valid before " + text_of(X509_get0_notBefore(x));
        w.way_out = "set the clocks of both hosts";
        return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        w.refused = who + " is made out to " + names_in(x) + ", not to peer_name = " + s.peer_name;
        w.way_out = "set 'peer_name' to the name of the other side's certificate (subjectAltName)";
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        w.refused = called(X509_STORE_CTX_get0_cert(store)) + " is issued by '" +
                    name_of(X509_get_issuer_name(x)) + "', not trusted by ca = " + s.ca;
        return;
    default:
        w.refused = who + " is not taken: " + X509_verify_cert_error_string(error);
    }
}

} // namespace

Status use_certificates(ssl_ctx_st* ctx, const Settings& s) {
    SEGUE_TRY(for_certificates(s.ca, [&](const Certificate& x) -> Status {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x.get()) != 1)
            return Error(Code::Invalid, s.ca + " cannot be used: " + reason());
        return {};
    }));
    bool first = true;
    SEGUE_TRY(for_certificates(s.cert, [&](const Certificate& x) -> Status {
        const long used =
            first ? SSL_CTX_use_certificate(ctx, x.get()) : SSL_CTX_add1_chain_cert(ctx, x.get());
        first = false;
        if (used != 1)
            return Error(Code::Invalid, s.cert + " cannot be used: " + reason());
        return {};
    }));
    SEGUE_TRY(use_key(ctx, s));
    return demand_name(ctx, s.peer_name);
}

Status check_own_time(const ssl_ctx_st* ctx, const std::string& path) {
    const X509* x = SSL_CTX_get0_certificate(ctx);
    if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
        return Error(Code::Refused,
                     "certificate " + path + " expired on " + text_of(X509_get0_notAfter(x)))
            .way_out("renew it");
    if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
        return Error(Code::Refused, "certificate " + path + " is not valid before " +
                                        text_of(X509_get0_notBefore(x)))
            .way_out("set this host's clock");
    return {};
}

std::string describe_own(const ssl_ctx_st* ctx) {
    return describe(SSL_CTX_get0_certificate(ctx));
}

int judge_certificate(int good, x509_store_ctx_st* store) {
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& witness = *static_cast<Witness*>(SSL_get_app_data(ssl));
    const auto& context = *static_cast<const Context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (context.settings().shares_key()) {
        witness.refused = "the other side shows a certificate, and this side has a pre-shared key";
        witness.way_out = "set 'psk' and 'psk_identity' on both sides, or certificates on both";
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    if (good == 0 && witness.refused.empty())
        explain(witness, context.settings(), store);
    return good;
}

} // namespace tls

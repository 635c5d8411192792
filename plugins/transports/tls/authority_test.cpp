// SPDX-License-Identifier: Apache-2.0
#include "plugins/transports/tls/authority_test.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <fstream>

namespace segue::test {

namespace {

constexpr long kDay = 24L * 60 * 60;

void add_extension(X509* x, int kind, const std::string& value) {
    X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    EXPECT_NE(e, nullptr) << value;
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

// Signed with `by`; issued by `issuer`, or by itself.
X509* make(EVP_PKEY* key, const std::string& common_name, const Wanted& w, EVP_PKEY* by,
           const X509* issuer) {
    static long serial = 0;
    X509* x = X509_new();
    X509_set_version(x, 2); // X.509 v3
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), w.from * kDay);
    X509_gmtime_adj(X509_getm_notAfter(x), w.to * kDay);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer != nullptr ? issuer : x));
    X509_set_pubkey(x, key);
    if (w.authority)
        add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    else
        add_extension(x, NID_subject_alt_name, w.name);
    EXPECT_GT(X509_sign(x, by, EVP_sha256()), 0);
    return x;
}

void write_certificate(const std::string& path, X509* x) {
    FILE* f = ::fopen(path.c_str(), "w");
    ASSERT_NE(f, nullptr) << path;
    EXPECT_EQ(PEM_write_X509(f, x), 1);
    ::fclose(f);
}

} // namespace

Authority::Authority(std::string folder, const std::string& name)
    : folder_(std::move(folder))
    , path_(folder_ + "/" + name + ".pem")
    , key_(EVP_EC_gen("P-256")) {
    Wanted w;
    w.authority = true;
    own_ = make(key_, name, w, key_, nullptr);
    write_certificate(path_, own_);
}

Authority::~Authority() {
    X509_free(own_);
    EVP_PKEY_free(key_);
}

void Authority::issue(const std::string& file, const Wanted& wanted) {
    const bool ip = wanted.name.find_first_not_of("0123456789.") == std::string::npos;
    Wanted w = wanted;
    w.name = (ip ? "IP:" : "DNS:") + w.name;
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x = make(key, file, w, key_, own_);
    write_certificate(folder_ + "/" + file + ".pem", x);
    const std::string path = folder_ + "/" + file + ".key";
    write_file(path, "");
    FILE* f = ::fopen(path.c_str(), "w");
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(PEM_write_PrivateKey(f, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
    ::fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}

void write_file(const std::string& path, const std::string& bytes, unsigned mode) {
    std::ofstream(path) << bytes;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0) << path;
}

std::string old_hello() {
    SSL_CTX* ctx = SSL_CTX_new(TLS_method());
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL* ssl = SSL_new(ctx);
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    EXPECT_LE(SSL_connect(ssl), 0);
    char* bytes = nullptr;
    const long n = BIO_get_mem_data(out, &bytes);
    std::string hello(bytes, static_cast<std::size_t>(n));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return hello;
}

} // namespace segue::test

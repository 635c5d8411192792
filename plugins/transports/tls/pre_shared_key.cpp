// SPDX-License-Identifier: Apache-2.0
#include "pre_shared_key.hpp"

#include <openssl/ssl.h>

#include <charconv>

#include "context.hpp"
#include "key_file.hpp"
#include "witness.hpp"

namespace tls {

using namespace segue;

namespace {

constexpr std::size_t kLeast = 32, kMost = 64;   // bytes
constexpr unsigned char kSuite[] = {0x13, 0x01}; // TLS_AES_128_GCM_SHA256

const Context& context_of(const SSL* ssl) {
    return *static_cast<const Context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

// The key, as OpenSSL wants it: a session that was never there. NULL: no memory.
SSL_SESSION* session(SSL* ssl) {
    const std::string& key = context_of(ssl).shared_key();
    SSL_SESSION* s = SSL_SESSION_new();
    if (s != nullptr &&
        SSL_SESSION_set1_master_key(s, reinterpret_cast<const unsigned char*>(key.data()),
                                    key.size()) == 1 &&
        SSL_SESSION_set_cipher(s, SSL_CIPHER_find(ssl, kSuite)) == 1 &&
        SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) == 1 &&
        SSL_SESSION_set1_id_context(s, kSessions, sizeof kSessions) == 1)
        return s;
    SSL_SESSION_free(s);
    return nullptr;
}

// Connecting side.
int offer(SSL* ssl, const EVP_MD*, const unsigned char** id, std::size_t* length, SSL_SESSION** s) {
    const std::string& name = context_of(ssl).settings().psk_identity;
    *id = reinterpret_cast<const unsigned char*>(name.data());
    *length = name.size();
    *s = session(ssl);
    return *s != nullptr ? 1 : 0;
}

// Listening side. Success without a session: no such key.
int find(SSL* ssl, const unsigned char* id, std::size_t length, SSL_SESSION** s) {
    auto& witness = *static_cast<Witness*>(SSL_get_app_data(ssl));
    witness.key_offered = true;
    witness.identity.assign(reinterpret_cast<const char*>(id), length);
    *s = nullptr;
    if (witness.identity != context_of(ssl).settings().psk_identity)
        return 1;
    *s = session(ssl);
    return *s != nullptr ? 1 : 0;
}

} // namespace

Result<std::string> read_shared_key(const std::string& path) {
    SEGUE_ASSIGN(std::string text, read_key_file(path, Secrecy::Secret));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    std::string key(text.size() / 2, '\0');
    bool good = text.size() % 2 == 0 && key.size() >= kLeast && key.size() <= kMost;
    for (std::size_t i = 0; good && i < key.size(); ++i) {
        unsigned char byte = 0;
        const char* end = text.data() + 2 * i + 2;
        const auto [stop, error] = std::from_chars(text.data() + 2 * i, end, byte, 16);
        good = error == std::errc{} && stop == end;
        key[i] = static_cast<char>(byte);
    }
    if (good)
        return key;
    return Error(Code::Invalid, path + " holds no key: it must be 64 to 128 hexadecimal digits on "
                                       "one line")
        .way_out("make one by openssl rand -hex 32, and copy it to the other host");
}

void use_shared_key(ssl_ctx_st* context) {
    SSL_CTX_set_psk_use_session_callback(context, offer);
    SSL_CTX_set_psk_find_session_callback(context, find);
}

} // namespace tls
